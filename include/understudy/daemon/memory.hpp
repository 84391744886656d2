#pragma once

/// What the process does about its memory as a whole. Call each once, from the main thread.
namespace understudy::daemon {

/// Before any worker starts. Bodies of some hundred KiB come and go with every request: the C
/// library otherwise returns their pages each time and has the kernel clear new ones, three tenths
/// of what such a request costs. At most 16 MiB stay with each worker, and only where they were
/// once used.
void keep_freed_memory();

/// When serving begins. Reading flags and YAML has mapped code that serving never runs; it stays in
/// the page cache, and the process lets go of it.
void forget_start();

}  // namespace understudy::daemon
