# The Debian package: `./dev package`, or `cpack -G DEB` in a build folder after `package_files`.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME understudy)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "understudy maintainers <maintainers@users.noreply.understudy.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "failover proxy for providers of large language models")
set(CPACK_PACKAGE_DESCRIPTION
"A reverse proxy that speaks the OpenAI and Anthropic APIs, tries a primary
provider and goes on with a fallback when the primary answers errors, refuses
connections or hangs, before the client sees any of it.
.
It reads the YAML of Envoy Gateway and Agent Router (formerly Envoy AI
Gateway) and needs neither Kubernetes nor a control plane.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR OFF)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE
  GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates, init-system-helpers (>= 1.54~)")
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${sources}/debian/conffiles ${sources}/debian/postinst ${sources}/debian/prerm
  ${sources}/debian/postrm)
set(CPACK_VERBATIM_VARIABLES ON)
include(CPack)
