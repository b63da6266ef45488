#include "own_sockets.h"

#include <sys/socket.h>
#include <unistd.h>

#include "cmocka_unit.h"

static int listen_here(struct address *ret_address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(address_parse(BYTES("127.0.0.1"), 0, ret_address));
    assert_int_equal(bind(fd, &ret_address->any, ret_address->length), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, &ret_address->any, &ret_address->length), 0);
    return fd;
}

static int accept_one(int listener, struct address *ret_peer)
{
    *ret_peer = (struct address){.length = sizeof(ret_peer->storage)};
    return accept(listener, &ret_peer->any, &ret_peer->length);
}

static int connect_to(const struct address *to)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, &to->any, to->length), 0);
    return fd;
}

static void a_peer_that_is_our_own_is_known(void **state)
{
    struct address here, peer;
    int listener = listen_here(&here), own, other, accepted;

    own = connect_to(&here);
    own_sockets_add(own);
    accepted = accept_one(listener, &peer);
    assert_true(own_sockets_hold(&peer, accepted));
    close(accepted);

    other = connect_to(&here);
    accepted = accept_one(listener, &peer);
    assert_false(own_sockets_hold(&peer, accepted));
    close(accepted);
    close(other);

    // Once it is closed, its address is anybody's.
    assert_true(address_parse(BYTES("127.0.0.1"), 1, &peer));
    assert_int_equal(getsockname(own, &peer.any, &peer.length), 0);
    assert_true(own_sockets_hold(&peer, accepted));
    close(own);
    assert_false(own_sockets_hold(&peer, accepted));
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_peer_that_is_our_own_is_known)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
