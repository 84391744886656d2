# Run by an installation: /etc/understudy for the prefix /usr, as a package has it, else etc below the
# prefix. What is there already is the administrator's and stays.
if(CMAKE_INSTALL_PREFIX MATCHES "/usr/?$")
  get_filename_component(folder "${CMAKE_INSTALL_PREFIX}/../etc/understudy" ABSOLUTE)
else()
  set(folder "${CMAKE_INSTALL_PREFIX}/etc/understudy")
endif()
if(NOT EXISTS "$ENV{DESTDIR}${folder}/config.yaml")
  file(INSTALL "${configuration}/config.yaml" DESTINATION "${folder}")
endif()
if(NOT EXISTS "$ENV{DESTDIR}${folder}/environment")
  file(INSTALL "${configuration}/environment" DESTINATION "${folder}"
    PERMISSIONS OWNER_READ OWNER_WRITE)
endif()
