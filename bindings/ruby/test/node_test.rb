# frozen_string_literal: true

require "fileutils"
require "openssl"
require "pathname"
require_relative "helper"

# Members within this process.
class NodeTest < DoozerTest
  def test_a_member_in_memory_that_listens_nowhere
    Doozer::Node.start(cluster_name: "here", hostname: "me") do |node|
      assert_equal ["here", nil], [node.cluster_name, node.address]
      node.client do |client|
        rev = client.set("/a", "x", 0)
        assert_equal Doozer::File["x", rev], node.get_local("/a")
        assert_equal rev, node.revision
        assert_equal [node.id, "me"], [client.self_id, client.get("/ctl/node/#{node.id}/hostname").value]
        client.set("/a", "y", rev)
        assert_equal %w[x y], [node.get_local("/a", rev).value, node.get_local("/a").value]
        assert_equal Doozer::File[nil, 0], node.get_local("/nothing")
        assert_raises(Doozer::Timeout) { node.get_local("/a", 1_000) }
        assert_raises(Doozer::IsDir) { node.get_local("/ctl") }
        assert_raises(Doozer::Range) { node.get_local("/a", -1) }
      end
    end
  end

  def test_a_block_gets_a_member_that_is_stopped_behind_it
    kept = nil
    assert_raises(Stop) { Doozer::Node.start { |node| (kept = node).then { raise Stop } } }
    assert_raises(Doozer::Closed) { kept.get_local("/a") }
    assert_raises(Doozer::Closed) { kept.revision }
    assert_raises(Doozer::Closed) { kept.client }
    assert_nil kept.stop
  end

  def test_data_in_a_directory_stays
    Dir.mktmpdir do |folder|
      data = Pathname(folder).join("data")
      rev = Doozer::Node.start(data_dir: data, history: 100, history_bytes: 1 << 20) do |node|
        assert_raises(Doozer::Io) { Doozer::Node.start(data_dir: data) }
        node.client { |client| client.set("/a", "kept", 0) }
      end
      Doozer::Node.start(data_dir: data.to_s) { |node| assert_equal Doozer::File["kept", rev], node.get_local("/a") }
    end
  end

  def test_it_says_what_stood_in_the_way
    error = assert_raises(Doozer::Io) { Doozer::Node.start(listen: member.address) }
    assert_equal "start", error.operation
    assert_includes error.message, member.address
    assert_raises(Doozer::Io) { Doozer::Node.start(cluster_name: "a/b") }
  end

  def test_the_largest_value
    Doozer::Node.start(max_value: 1_000) do |node|
      node.client do |client|
        client.set("/a", "x" * 1_000, 0)
        assert_raises(Doozer::TooLarge) { client.set("/b", "x" * 1_001, 0) }
      end
    end
  end

  def test_a_short_history
    Doozer::Node.start(history: 5) do |node|
      node.client do |client|
        revs = Array.new(10) { client.set("/a", "x", -1) }
        assert_raises(Doozer::TooLate) { client.get("/a", revs.first) }
        assert_raises(Doozer::TooLate) { node.get_local("/a", revs.first) }
      end
    end
  end

  def test_whoever_waits_for_a_stopped_member_has_a_time_limit_still
    node = Doozer::Node.start
    client = node.client
    waiting = thread { client.wait("/a", 1, timeout: 1) }
    until_so { waiting.stop? }
    node.stop
    assert_raises(Doozer::Disconnected) { waiting.value }
    client.close
  end

  def test_tls
    certificate, key = self_signed
    node = opened(Doozer::Node.start(listen: "127.0.0.1:0", tls_cert: certificate, tls_key: key))
    Doozer.connect(node.address, tls_ca: certificate, tls_server_name: "localhost") do |client|
      assert_equal node.id, client.self_id
    end
    assert_raises(Doozer::Error) { Doozer.connect(node.address, connect_timeout: 1) }
    assert_raises(Doozer::Error) do
      Doozer.connect(node.address, tls_ca: certificate, tls_server_name: "elsewhere", connect_timeout: 1)
    end
    assert_raises(Doozer::Error) { Doozer.connect(node.address, tls_ca: "/nowhere.pem", connect_timeout: 1) }
  end

  private

  def self_signed
    key = OpenSSL::PKey::EC.generate("prime256v1")
    certificate = OpenSSL::X509::Certificate.new
    certificate.version = 2
    certificate.serial = 1
    certificate.subject = certificate.issuer = OpenSSL::X509::Name.parse("/CN=localhost")
    certificate.public_key = key
    certificate.not_before = Time.now - 3600
    certificate.not_after = Time.now + 3600
    extensions = OpenSSL::X509::ExtensionFactory.new(certificate, certificate)
    certificate.add_extension(extensions.create_extension("subjectAltName", "DNS:localhost"))
    certificate.sign(key, "SHA256")
    folder = Dir.mktmpdir
    Minitest.after_run { FileUtils.remove_entry(folder) }
    { "cert" => certificate.to_pem, "key" => key.private_to_pem }.map do |name, pem|
      File.join(folder, "#{name}.pem").tap { |path| File.write(path, pem) }
    end
  end
end
