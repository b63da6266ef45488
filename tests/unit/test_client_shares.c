// Who makes room for whom among the connections of a service.
#include "client_shares.h"

#include "cmocka_unit.h"

#define MOST 8

static struct client_shares shares;
static struct share_member members[MOST];

static struct address address_of(const char *text)
{
    struct address address;

    assert_true(address_parse(bytes_of_string(text), 1000, &address));
    return address;
}

static void set_up(size_t per_client)
{
    client_shares_init(&shares, CLIENT_SHARES_RENEW, MOST, per_client);
}

static void tear_down(size_t count)
{
    for (size_t i = 0; i < count; i++)
        client_shares_remove(&shares, &members[i]);
    assert_int_equal(shares.count, 0);
    assert_true(LIST_EMPTY(&shares.list));
}

static void add(size_t from, size_t to, const char *peer)
{
    struct address address = address_of(peer);

    for (size_t i = from; i < to; i++)
        client_shares_add(&shares, &members[i], &address);
}

// -1: room without a victim; -2: none; else the number of the victim.
static int admit(const char *peer)
{
    struct address address = address_of(peer);
    struct share_member *victim;

    if (!client_shares_admit(&shares, &address, &victim))
        return -2;
    return victim ? (int)(victim - members) : -1;
}

static void an_address_has_its_share(void **state)
{
    set_up(4);
    add(0, 4, "10.0.0.1");
    assert_int_equal(admit("10.0.0.1"), -2);
    assert_int_equal(admit("::ffff:10.0.0.1"), -2); // the same one
    assert_int_equal(admit("10.0.0.2"), -1);
    share_member_set(&members[2], SHARE_SERVED);
    assert_int_equal(admit("10.0.0.1"), 2);
    tear_down(4);
}

static void the_oldest_of_the_address_with_the_most_goes(void **state)
{
    set_up(0);
    add(0, 2, "10.0.0.1");
    add(2, 7, "10.0.0.2");
    add(7, 8, "10.0.0.3");
    share_member_set(&members[0], SHARE_SERVED); // older, but of one with few
    assert_int_equal(admit("10.0.0.4"), 2);
    assert_int_equal(admit("10.0.0.3"), 2);
    share_member_set(&members[2], SHARE_BUSY);
    assert_int_equal(admit("10.0.0.4"), 3);
    share_member_set(&members[2], SHARE_SERVED); // waits since now
    assert_int_equal(admit("10.0.0.4"), 3);
    // The one with the most gets no more by it: it waits for its own, or for one that has nothing to do.
    assert_int_equal(admit("10.0.0.2"), 2);
    tear_down(MOST);
}

static void a_crowd_does_not_end_its_own_handshakes(void **state)
{
    static const char *const peers[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"};

    set_up(0);
    for (size_t i = 0; i < GL_ARRAY_SIZE(peers); i++)
        add(2 * i, 2 * i + 2, peers[i]);
    assert_int_equal(admit("10.0.0.1"), -2);
    assert_int_not_equal(admit("10.0.0.9"), -2); // it has none at all
    client_shares_remove(&shares, &members[7]);
    add(7, 8, "10.0.0.5");
    assert_int_equal(admit("10.0.0.5"), -2);
    share_member_set(&members[6], SHARE_SERVED);
    assert_int_equal(admit("10.0.0.5"), 6);
    tear_down(MOST);
}

static void what_is_under_way_is_let_be(void **state)
{
    set_up(0);
    add(0, MOST, "10.0.0.1");
    for (size_t i = 0; i < MOST; i++)
        share_member_set(&members[i], SHARE_BUSY);
    assert_int_equal(admit("10.0.0.2"), -2);
    tear_down(MOST);
}

static void who_is_over_may_be_refused(void **state)
{
    client_shares_init(&shares, CLIENT_SHARES_REFUSE, MOST, 4);
    add(0, 4, "10.0.0.1");
    share_member_set(&members[2], SHARE_SERVED);
    assert_int_equal(admit("10.0.0.1"), -2); // whatever of its own is idle
    assert_int_equal(admit("10.0.0.2"), -1);
    client_shares_set(&shares, MOST, 5);
    assert_int_equal(admit("10.0.0.1"), -1);
    tear_down(4);
}

static void loopback_is_one_workspace(void **state)
{
    client_shares_init(&shares, CLIENT_SHARES_REFUSE, MOST, 4);
    add(0, MOST - 1, "127.0.0.1");
    assert_int_equal(admit("127.0.0.1"), -1);
    assert_int_equal(admit("::1"), -1);
    add(MOST - 1, MOST, "127.0.0.1");
    assert_int_equal(admit("127.0.0.1"), -2);
    tear_down(MOST);
}

static void a_full_house_makes_room_for_who_has_less(void **state)
{
    client_shares_init(&shares, CLIENT_SHARES_REFUSE, MOST, 0);
    add(0, 3, "10.0.0.1");
    add(3, MOST, "10.0.0.2");
    for (size_t i = 0; i < MOST; i++)
        share_member_set(&members[i], SHARE_BUSY);
    assert_int_equal(admit("10.0.0.3"), -2); // nobody is idle
    share_member_set(&members[1], SHARE_SERVED);
    share_member_set(&members[6], SHARE_SERVED);
    share_member_set(&members[4], SHARE_SERVED);
    assert_int_equal(admit("10.0.0.3"), 6);  // the one that waits longest, of the address with the most
    assert_int_equal(admit("10.0.0.1"), 6);  // with three it has less than five
    assert_int_equal(admit("10.0.0.2"), -2); // nobody has more
    tear_down(MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_its_share),
        cmocka_unit_test(the_oldest_of_the_address_with_the_most_goes),
        cmocka_unit_test(a_crowd_does_not_end_its_own_handshakes),
        cmocka_unit_test(what_is_under_way_is_let_be),
        cmocka_unit_test(who_is_over_may_be_refused),
        cmocka_unit_test(loopback_is_one_workspace),
        cmocka_unit_test(a_full_house_makes_room_for_who_has_less),
    };

    return cmocka_run_group_tests_name("client_shares", tests, NULL, NULL);
}
