"""What the compiler and linker were told to do against exploits, read back from the binary itself."""
import platform
import shutil
import subprocess

import pytest

from harness.daemon import BINARY


def tool(name, *arguments):
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here (binutils)")
    return subprocess.run([name, *arguments, str(BINARY)], capture_output=True, text=True,
                          check=True, timeout=60).stdout


@pytest.fixture(scope="module")
def imports():
    names = tool("readelf", "-W", "--dyn-syms")
    if "__asan_init" in names or "__tsan_init" in names:
        pytest.skip("a sanitizer has its own ways")
    return names


def test_it_is_position_independent():
    assert "DYN (" in tool("readelf", "-h")
    assert "PIE" in tool("readelf", "-W", "-d")


def test_what_is_relocated_is_read_only_afterwards():
    assert "GNU_RELRO" in tool("readelf", "-W", "-l")
    dynamic = tool("readelf", "-W", "-d")
    assert "BIND_NOW" in dynamic and "TEXTREL" not in dynamic


def test_no_memory_is_writable_and_executable():
    for line in tool("readelf", "-W", "-l").splitlines():
        fields = line.split()
        if fields and fields[0] in ("LOAD", "GNU_STACK"):
            assert not ("W" in fields[-2] and "E" in "".join(fields[-3:-1])), line


def test_no_library_is_looked_for_elsewhere():
    dynamic = tool("readelf", "-W", "-d")
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic


def test_stacks_are_protected(imports):
    assert "__stack_chk_fail" in imports


def test_the_libc_calls_are_checked(imports):
    assert [line for line in imports.splitlines() if "_chk@" in line and "stack" not in line], \
        "_FORTIFY_SOURCE has left no trace"


@pytest.mark.skipif(platform.machine() != "x86_64", reason="CET is of x86-64")
def test_indirect_branches_have_their_landing_places(imports):
    main = tool("objdump", "-d", "--no-show-raw-insn", "--disassemble=main")
    if "<main>:" not in main:
        pytest.skip("the binary is stripped")
    assert "endbr64" in main.partition("<main>:")[2].splitlines()[1], main[:2000]
