# What `cmake --install` and the package hold. Text that the program prints about itself is made by
# the program: understudy(1) and the completions of three shells.
include(GNUInstallDirs)
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)  # tests are not built for a package

set(texts ${CMAKE_BINARY_DIR}/texts)
set(doc_folder ${CMAKE_INSTALL_DATAROOTDIR}/doc/understudy)
set(sources ${CMAKE_SOURCE_DIR}/deploy)
# One whole compressed file, the same each time (-n: no name and no time in it).
add_custom_command(
  OUTPUT ${texts}/understudy.1.gz
  COMMAND ${CMAKE_COMMAND} -E make_directory ${texts}
  COMMAND sh -c "\"$1\" man | gzip -9n >understudy.1.gz" sh $<TARGET_FILE:understudy>
  COMMAND sh -c "\"$1\" completion bash >understudy.bash" sh $<TARGET_FILE:understudy>
  COMMAND sh -c "\"$1\" completion zsh >_understudy" sh $<TARGET_FILE:understudy>
  COMMAND sh -c "\"$1\" completion fish >understudy.fish" sh $<TARGET_FILE:understudy>
  COMMAND sh -c "gzip -9n <\"$1\" >changelog.Debian.gz" sh ${sources}/debian/changelog
  COMMAND sh -c "gzip -9n <\"$1\" >changelog.gz" sh ${CMAKE_SOURCE_DIR}/CHANGELOG.md
  WORKING_DIRECTORY ${texts}
  DEPENDS understudy ${sources}/debian/changelog ${CMAKE_SOURCE_DIR}/CHANGELOG.md
  VERBATIM)
file(MAKE_DIRECTORY ${texts})
add_custom_target(package_files DEPENDS ${texts}/understudy.1.gz)

install(TARGETS understudy RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${texts}/understudy.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${texts}/understudy.bash RENAME understudy
  DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/bash-completion/completions)
install(FILES ${texts}/_understudy
  DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/zsh/vendor-completions)
install(FILES ${texts}/understudy.fish
  DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/fish/vendor_completions.d)
install(FILES ${texts}/changelog.Debian.gz ${texts}/changelog.gz ${sources}/debian/copyright
  DESTINATION ${doc_folder})
# As they lie in the repository, so that the links between them lead somewhere here too.
foreach(page README.md ARCHITECTURE.md CHANGELOG.md CONTRIBUTING.md SECURITY.md)
  install(FILES ${CMAKE_SOURCE_DIR}/${page} DESTINATION ${doc_folder})
endforeach()
install(FILES ${CMAKE_SOURCE_DIR}/bench/RESULTS.md DESTINATION ${doc_folder}/bench)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs ${CMAKE_SOURCE_DIR}/config DESTINATION ${doc_folder})
file(GLOB units CONFIGURE_DEPENDS ${sources}/*.service ${sources}/*.socket)
install(FILES ${units} DESTINATION lib/systemd/system)
install(CODE "set(configuration \"${sources}/etc\")")
install(SCRIPT ${CMAKE_SOURCE_DIR}/cmake/install_configuration.cmake)
file(GLOB overrides ${sources}/debian/lintian-overrides)
install(FILES ${overrides} DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/lintian/overrides
  RENAME understudy)

include(package)
