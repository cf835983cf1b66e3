// The header in C++17, as a C++ program would use it.
#include <doozer.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace {

template <auto free>
struct Freed {
    template <typename T>
    void operator()(T *handle) const {
        free(handle);
    }
};
using Error = std::unique_ptr<doozer_error, Freed<doozer_error_free>>;
using Node = std::unique_ptr<doozer_node, Freed<doozer_node_free>>;
using Client = std::unique_ptr<doozer_client, Freed<doozer_client_free>>;
using File = std::unique_ptr<doozer_file, Freed<doozer_file_free>>;
using Event = std::unique_ptr<doozer_event, Freed<doozer_event_free>>;
using Leader = std::unique_ptr<doozer_leader, Freed<doozer_leader_free>>;
using Txn = std::unique_ptr<doozer_txn, Freed<doozer_txn_free>>;
using Cancel = std::unique_ptr<doozer_cancel, Freed<doozer_cancel_free>>;

void check(bool condition, std::string_view what) {
    if (condition) return;
    std::fprintf(stderr, "cpp: %.*s\n", static_cast<int>(what.size()), what.data());
    _exit(1);
}

// By pointer: the arguments of a call have no order.
void ok(doozer_code code, doozer_error **err) {
    Error error(*err);
    check(code == DOOZER_OK, doozer_error_message(error.get()));
}

void story() {
    doozer_error *err;
    doozer_node *started;
    doozer_node_opts options = doozer_node_opts_init();
    options.listen = "127.0.0.1:0";
    ok(doozer_node_start(&options, nullptr, &started, &err), &err);
    Node node(started);
    doozer_client *opened;
    ok(doozer_connect(doozer_node_address(node.get()), nullptr, &opened, &err), &err);
    Client client(opened);
    const std::string value("with\0a NUL", 10);
    int64_t rev;
    ok(doozer_set(client.get(), "/a", value.data(), value.size(), DOOZER_MISSING, nullptr, &rev, &err), &err);
    doozer_file *read;
    ok(doozer_get(client.get(), "/a", DOOZER_NOW, nullptr, &read, &err), &err);
    File file(read);
    const std::string_view found(static_cast<const char *>(doozer_file_value(file.get())), doozer_file_len(file.get()));
    check(found == value && doozer_file_rev(file.get()) == rev, "the value is what was written");

    Cancel cancel(doozer_cancel_new());
    doozer_call_opts call = doozer_call_opts_init();
    call.cancel = cancel.get();
    std::thread waiting([&] {
        doozer_event *event;
        doozer_error *why;
        check(doozer_wait(client.get(), "/b", 1, &call, &event, &why) == DOOZER_CANCELLED, "the wait is cancelled");
        Error error(why);
        check(event == nullptr && std::string_view(doozer_error_path(error.get())) == "/b", "and its error says of what");
    });
    doozer_cancel_fire(cancel.get());
    waiting.join();

    doozer_leader *elected;
    ok(doozer_elect(client.get(), "/leader", "me", 2, nullptr, &elected, &err), &err);
    {
        // It resigns at the end of its scope.
        Leader leader(elected);
        Txn txn(doozer_txn_new());
        int64_t revs[1];
        const char *path = doozer_leader_path(leader.get());
        ok(doozer_txn_if_fence(txn.get(), path, doozer_leader_token(leader.get()), &err), &err);
        ok(doozer_txn_set(txn.get(), "/led", "x", 1, DOOZER_ANY, &err), &err);
        ok(doozer_txn_commit(client.get(), txn.get(), nullptr, revs, 1, &err), &err);
        check(revs[0] > doozer_leader_token(leader.get()), "a change has a revision");
    }
    ok(doozer_elect(client.get(), "/leader", "me again", 8, nullptr, &elected, &err), &err);
    Leader again(elected);
    ok(doozer_resign(again.get(), nullptr, &err), &err);
    ok(doozer_close(client.get(), nullptr, &err), &err);
    ok(doozer_node_stop(node.get(), nullptr, &err), &err);
}

}  // namespace

int main() {
    alarm(300);
    doozer_error *err;
    ok(doozer_check_abi(&err), &err);
    story();
    doozer_shutdown(60000);
}
