# frozen_string_literal: true

# Writes the Makefile that RubyGems runs: cargo compiles the native part, in a temporary folder (it takes 250 MB)
# unless CARGO_TARGET_DIR names one to keep.

require "rbconfig"

# The oldest Rust that will do.
needed = File.read(File.join(__dir__, "../Cargo.toml"))[/^rust-version = "(.*)"/, 1]
remedy = "Install Rust #{needed} or newer (https://rustup.rs; on Debian 12 also the packages rustc-web and cargo-web) " \
         "and install the gem again."
version = begin
  IO.popen(["cargo", "--version"], err: File::NULL, &:read)[/\d+(\.\d+)+/]
rescue SystemCallError
  abort "doozer: cargo was not found, and the gem has to be compiled. #{remedy}"
end
if version.nil? || Gem::Version.new(version) < Gem::Version.new(needed)
  abort "doozer: cargo is of version #{version || "unknown"}, which is too old. #{remedy}"
end

config = RbConfig::CONFIG
built = "#{RUBY_PLATFORM.match?(/mingw|mswin/) ? "" : "lib"}doozer_native.#{config["SOEXT"]}"
File.write("Makefile", <<~MAKEFILE)
  # Made by extconf.rb.
  SHELL = /bin/sh
  RUBY = #{RbConfig.ruby}
  DESTDIR =
  sitearchdir = #{config["sitearchdir"]}
  LIBRARY = doozer_native.#{config["DLEXT"]}

  all:
  \t@target="$$CARGO_TARGET_DIR"; \\
  \tif [ -z "$$target" ]; then \\
  \t  target=$$(mktemp -d) || exit 1; trap 'rm -rf "$$target"' EXIT; trap 'exit 1' HUP INT TERM; \\
  \tfi; \\
  \tif RUBY="$(RUBY)" cargo build --release --locked --manifest-path '#{__dir__}/Cargo.toml' --target-dir "$$target"; \\
  \tthen cp "$$target/release/#{built}" "$(LIBRARY)"; \\
  \telse echo 'doozer: compiling failed. Beside Rust #{needed} it takes a C compiler, Ruby'"'"'s headers and libclang' \\
  \t  '(Debian: gcc, ruby-dev, libclang-dev).' >&2; exit 1; fi

  install: $(LIBRARY)
  \tmkdir -p "$(DESTDIR)$(sitearchdir)/doozer"
  \tcp "$(LIBRARY)" "$(DESTDIR)$(sitearchdir)/doozer/"

  clean distclean realclean:
  \trm -f "$(LIBRARY)"

  .PHONY: all install clean distclean realclean
MAKEFILE
