# frozen_string_literal: true

require_relative "helper"

# Every piece of Ruby in the gem's README runs, against a member of the test's own.
class ReadmeTest < DoozerTest
  def test_the_blocks
    readme = File.read(File.join(Gem::Specification.find_by_name("doozer").full_gem_path, "README.md"))
    blocks = readme.scan(/^```ruby\n(.*?)^```/m).flatten
    assert_operator blocks.size, :>=, 2
    Dir.mktmpdir do |folder|
      said = blocks.map do |block|
        listens = block.include?("listen:") ? "127.0.0.1:0" : member.address
        ruby("-rdoozer", "-e", block.gsub("127.0.0.1:8046", listens).gsub("/var/lib/myapp", folder))
      end
      rev = client.get("/myapp.conf").rev
      assert_match(%r{\Adebug = true \(revision \d+\)\n/myapp.conf is now debug = false\nmine, with the token \d+\n\z}, said[0])
      assert_equal rev + 2, client.rev, "the lock was taken and given back"
    end
  end
end
