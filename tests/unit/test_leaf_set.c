#include "leaf_set.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "certs_unit.h"

struct fixture {
    struct authority *authority;
    struct leaf_set *set;
    SSL_CTX *client_context; // trusts the authority; a test may narrow it
};

// Both ends of a connection in memory.
struct connection {
    SSL *client;
    SSL *server;
};

static int set_up(void **state)
{
    struct fixture *fixture = mem_alloc_zero(1, sizeof(*fixture));
    struct error error;
    // The verifier takes the system's clock, so the leaves must be of today.
    struct wall now = clock_wall(clock_real());

    fixture->authority = authority_new(&certs_unit_hosts, now, &error);
    fixture->set = leaf_set_new(fixture->authority, &certs_unit_hosts, now, &error);
    fixture->client_context = SSL_CTX_new(TLS_client_method());
    X509_STORE_add_cert(SSL_CTX_get_cert_store(fixture->client_context), authority_certificate(fixture->authority));
    SSL_CTX_set_verify(fixture->client_context, SSL_VERIFY_PEER, NULL);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    SSL_CTX_free(fixture->client_context);
    leaf_set_free(fixture->set);
    authority_free(fixture->authority);
    mem_free(fixture);
    return 0;
}

static struct connection connect_to(const struct fixture *fixture, const char *host)
{
    struct connection connection = {
        .client = SSL_new(fixture->client_context),
        .server = SSL_new(leaf_set_context(fixture->set, bytes_of_string(host))),
    };
    char *name = mem_string(host); // the macro below takes no const
    BIO *client_bio;
    BIO *server_bio;

    assert_int_equal(BIO_new_bio_pair(&client_bio, 0, &server_bio, 0), 1);
    SSL_set_bio(connection.client, client_bio, client_bio);
    SSL_set_bio(connection.server, server_bio, server_bio);
    SSL_set_connect_state(connection.client);
    SSL_set_accept_state(connection.server);
    SSL_set_tlsext_host_name(connection.client, name);
    SSL_set1_host(connection.client, host);
    mem_free(name);
    return connection;
}

static void close_connection(struct connection *connection)
{
    SSL_free(connection->client);
    SSL_free(connection->server);
    ERR_clear_error();
}

// Whether both ends agree.
static bool shake_hands(struct connection *connection)
{
    for (int i = 0; i < 10; i++) {
        ERR_clear_error();
        int client = SSL_do_handshake(connection->client);
        ERR_clear_error();
        int server = SSL_do_handshake(connection->server);

        if (client == 1 && server == 1)
            return true;
    }
    return false;
}

// One byte from the server, so that the client has read the tickets that come before it.
static void take_tickets(struct connection *connection)
{
    char byte;

    assert_int_equal(SSL_write(connection->server, "x", 1), 1);
    assert_int_equal(SSL_read(connection->client, &byte, 1), 1);
}

static void only_the_hosts_have_a_context(void **state)
{
    struct fixture *fixture = *state;

    assert_non_null(leaf_set_context(fixture->set, BYTES("github.com")));
    assert_non_null(leaf_set_context(fixture->set, BYTES("api.github.com")));
    assert_null(leaf_set_context(fixture->set, BYTES("gist.github.com")));
    assert_null(leaf_set_context(fixture->set, BYTES("github.co")));
    assert_null(leaf_set_context(fixture->set, BYTES("")));
}

static void each_host_is_served_with_both_versions(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < GL_ARRAY_SIZE(versions); i++) {
        SSL_CTX_set_min_proto_version(fixture->client_context, versions[i]);
        SSL_CTX_set_max_proto_version(fixture->client_context, versions[i]);
        for (size_t j = 0; j < certs_unit_hosts.count; j++) {
            struct connection connection = connect_to(fixture, certs_unit_names[j]);

            assert_true(shake_hands(&connection));
            assert_int_equal(SSL_version(connection.client), versions[i]);
            assert_non_null(strstr(SSL_get_cipher(connection.client), "AES"));
            assert_non_null(strstr(SSL_get_cipher(connection.client), "128"));
            close_connection(&connection);
        }
    }
}

static void old_versions_are_not_served(void **state)
{
    struct fixture *fixture = *state;
    struct connection connection;

    SSL_CTX_set_security_level(fixture->client_context, 0);
    SSL_CTX_set_min_proto_version(fixture->client_context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(fixture->client_context, TLS1_1_VERSION);
    connection = connect_to(fixture, "github.com");
    assert_false(shake_hands(&connection));
    close_connection(&connection);
}

static void a_client_without_aes_gets_chacha(void **state)
{
    struct fixture *fixture = *state;
    struct connection connection;

    SSL_CTX_set_ciphersuites(fixture->client_context, "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256");
    connection = connect_to(fixture, "github.com");
    assert_true(shake_hands(&connection));
    assert_string_equal(SSL_get_cipher(connection.client), "TLS_CHACHA20_POLY1305_SHA256");
    close_connection(&connection);
}

struct offer {
    const char *protocols; // as in the extension: each after its length
    const char *chosen;    // "": none
};

static void http_1_1_is_chosen_or_nothing(void **state)
{
    static const struct offer offers[] = {
        {"\x08http/1.1", "http/1.1"}, {"\x02h2\x08http/1.1", "http/1.1"}, {"", ""}, {"\x02h2", ""},
        {"\x08http/1.0", ""},         {"\x08http/1.0\x08http/1.x", ""},
    };
    struct fixture *fixture = *state;

    for (size_t i = 0; i < GL_ARRAY_SIZE(offers); i++) {
        struct connection connection = connect_to(fixture, "github.com");
        const unsigned char *chosen;
        unsigned int size;

        SSL_set_alpn_protos(connection.client, (const unsigned char *)offers[i].protocols,
                            (unsigned int)strlen(offers[i].protocols));
        assert_true(shake_hands(&connection));
        SSL_get0_alpn_selected(connection.client, &chosen, &size);
        assert_true(bytes_equal(bytes_of((const char *)chosen, size), bytes_of_string(offers[i].chosen)));
        close_connection(&connection);
    }
}

// Whether a second connection to `then` resumes the session of a first to `first`.
static bool resumes(const struct fixture *fixture, const char *first, const char *then)
{
    struct connection one = connect_to(fixture, first);
    struct connection two;
    SSL_SESSION *session;
    bool resumed;

    assert_true(shake_hands(&one));
    take_tickets(&one);
    session = SSL_get1_session(one.client);
    two = connect_to(fixture, then);
    SSL_set_session(two.client, session);
    assert_true(shake_hands(&two));
    resumed = SSL_session_reused(two.client);
    SSL_SESSION_free(session);
    close_connection(&one);
    close_connection(&two);
    return resumed;
}

static void a_session_is_resumed_under_its_host_alone(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < GL_ARRAY_SIZE(versions); i++) {
        SSL_CTX_set_min_proto_version(fixture->client_context, versions[i]);
        SSL_CTX_set_max_proto_version(fixture->client_context, versions[i]);
        assert_true(resumes(fixture, "github.com", "github.com"));
        assert_false(resumes(fixture, "github.com", "api.github.com"));
    }
}

static void a_client_cannot_renegotiate(void **state)
{
    struct fixture *fixture = *state;
    struct connection connection;
    char byte;

    SSL_CTX_set_max_proto_version(fixture->client_context, TLS1_2_VERSION);
    connection = connect_to(fixture, "github.com");
    assert_true(shake_hands(&connection));
    assert_int_equal(SSL_renegotiate(connection.client), 1);
    SSL_do_handshake(connection.client);
    assert_true(SSL_read(connection.server, &byte, 1) <= 0);
    ERR_clear_error();
    assert_true(SSL_do_handshake(connection.client) <= 0);
    assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
    close_connection(&connection);
}

static void renewed_it_shows_new_leaves_and_keeps_old_connections(void **state)
{
    struct fixture *fixture = *state;
    // Within the hour that leaves are backdated.
    struct wall later = {clock_wall(clock_real()).ms + 30 * MINUTE_MS};
    struct connection old = connect_to(fixture, "github.com");
    struct connection fresh;
    struct error error;

    assert_true(shake_hands(&old));
    assert_true(leaf_set_renew(fixture->set, fixture->authority, later, &error));
    take_tickets(&old);
    fresh = connect_to(fixture, "github.com");
    assert_true(shake_hands(&fresh));
    assert_int_not_equal(X509_cmp(SSL_get0_peer_certificate(old.client), SSL_get0_peer_certificate(fresh.client)), 0);
    close_connection(&old);
    close_connection(&fresh);
}

static void it_is_due_two_days_before_its_end(void **state)
{
    struct authority *authority = certs_unit_authority();
    struct error error;
    struct leaf_set *set = leaf_set_new(authority, &certs_unit_hosts, CERTS_UNIT_NOW, &error);

    assert_int_equal(leaf_set_expiry(set).ms, certs_unit_later(7 * DAY_MS).ms);
    assert_false(leaf_set_due(set, certs_unit_later(5 * DAY_MS - MINUTE_MS)));
    assert_true(leaf_set_due(set, certs_unit_later(5 * DAY_MS + MINUTE_MS)));
    assert_false(leaf_set_due(set, certs_unit_later(-50 * MINUTE_MS)));
    assert_true(leaf_set_due(set, certs_unit_later(-2 * HOUR_MS)));
    leaf_set_free(set);
    authority_free(authority);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_the_hosts_have_a_context, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_host_is_served_with_both_versions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_versions_are_not_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_without_aes_gets_chacha, set_up, tear_down),
        cmocka_unit_test_setup_teardown(http_1_1_is_chosen_or_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_session_is_resumed_under_its_host_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_client_cannot_renegotiate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(renewed_it_shows_new_leaves_and_keeps_old_connections, set_up, tear_down),
        cmocka_unit_test(it_is_due_two_days_before_its_end),
    };

    return cmocka_run_group_tests_name("leaf_set", tests, NULL, NULL);
}
