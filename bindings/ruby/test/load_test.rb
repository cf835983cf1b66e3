# frozen_string_literal: true

require "fileutils"
require_relative "helper"

# Loading, and what stands in its way.
class LoadTest < DoozerTest
  LIBRARY = File.dirname($LOADED_FEATURES.find { |path| path.end_with?("/doozer.rb") })

  def test_what_is_tested_is_what_is_installed
    assert_equal File.join(Gem::Specification.find_by_name("doozer").full_gem_path, "lib"), LIBRARY
  end

  def test_both_parts_are_of_one_version
    assert_equal Doozer::VERSION, Doozer::Native::VERSION
  end

  def test_another_version_of_the_native_part_is_refused
    Dir.mktmpdir do |folder|
      FileUtils.cp_r(LIBRARY, folder)
      version = File.join(folder, "lib", "doozer", "version.rb")
      File.write(version, File.read(version).sub(Doozer::VERSION, "99.0.0"))
      code = "begin; require 'doozer'; rescue LoadError => e; print e.message; end"
      said = ruby("-I", File.join(folder, "lib"), "-e", code)
      [Doozer::VERSION, "99.0.0", "gem pristine doozer"].each { |part| assert_includes said, part }
    end
  end

  def test_a_machine_without_cargo_is_told_what_to_do
    extconf = File.expand_path("../ext/doozer/extconf.rb", LIBRARY)
    Dir.mktmpdir do |folder|
      said, status = Open3.capture2e({ "PATH" => folder }, Gem.ruby, extconf, chdir: folder)
      refute_predicate status, :success?
      assert_match(/cargo was not found.*Install Rust 1\.\d+/, said)
      File.write(File.join(folder, "cargo"), "#!/bin/sh\necho cargo 1.50.0\n", perm: 0o755)
      said, status = Open3.capture2e({ "PATH" => folder }, Gem.ruby, extconf, chdir: folder)
      refute_predicate status, :success?
      assert_match(/1\.50\.0, which is too old.*Install Rust/, said)
    end
  end

  def test_what_is_only_for_benchmarks
    assert_nil Doozer._noop
    assert_nil Doozer._noop_async
  end

  def test_it_leaves_the_names_of_others_alone
    said = ruby("-e", "before = Object.constants; require 'doozer'; print (Object.constants - before).sort.inspect")
    assert_equal "[:Doozer]", said
  end
end
