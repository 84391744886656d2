#include <openssl/crypto.h>

#include <boost/version.hpp>
#include <iostream>

#include <understudy/admin/health_check.hpp>
#include <understudy/cli/commands.hpp>

namespace understudy::cli {

int version_command() {
  std::cout << "understudy " UNDERSTUDY_VERSION "\n"
#ifdef __clang__
            << "compiler: clang " << __clang_version__ << '\n'
#else
            << "compiler: gcc " << __VERSION__ << '\n'
#endif
            << "Boost: " << BOOST_VERSION / 100000 << '.' << BOOST_VERSION / 100 % 1000 << '.'
            << BOOST_VERSION % 100 << '\n'
            << "OpenSSL: " << OpenSSL_version(OPENSSL_VERSION_STRING) << '\n';
  return 0;
}

int healthcheck_command(const std::string& admin, const std::string& token,
                        const std::string& path) {
  run_flags flags;
  flags.admin = admin;
  flags.admin_token = token.empty() ? "-" : token;  // only the address is wanted of to_options
  flags.log_level = "off";
  const auto options = to_options(flags);
  if (!options.admin) throw usage_error{"--admin: `off` can't be asked"};
  const auto health = admin::fetch_health(options.admin->host, options.admin->port, path, token);
  std::cout << health.text << '\n';
  return health.is_good ? 0 : 1;
}

}  // namespace understudy::cli
