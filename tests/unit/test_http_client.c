// Calls over real sockets, to a server of our own that answers from a script.
#include "http_client.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "cmocka_unit.h"
#include "dial.h"
#include "loop.h"
#include "mem.h"
#include "resolve.h"
#include "tls_client.h"

// How the server treats a connection.
enum manner {
    SAYS,    // sends `says` for each request it reads
    SILENT,  // reads, and says nothing
    ENDLESS, // sends `says`, then zeros without end
    CLOSES,  // sends `says` once and closes
};

static struct fixture {
    struct loop *loop;
    struct resolver *resolver;
    struct dialer dialer;
    struct dial_override to_server[1];
    struct http_client *client;
    struct tls_client *tls;
    char root_path[2][40]; // of the server's certificate, and of another

    int listener;
    uint16_t port;
    pthread_t thread;
    SSL_CTX *context; // NULL: plain
    enum manner manner;
    const char *says;
    unsigned deaf; // connections, the first ones, that are taken and get no word
    atomic_uint connections, requests;
    atomic_size_t sent;
    atomic_bool ending;
    char heard[8192]; // the last request

    unsigned answers;
    struct http_answer answer; // views end with the call: see the copies
    char problem[256], body[1024], date[64], retry_after[32], remaining[32], location[128];
    size_t body_size;
} fixture;

// A certificate that is its own root.

static SSL_CTX *make_identity(const char *name, const char *path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    char names[64];

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_set_pubkey(certificate, key);
    snprintf(names, sizeof(names), "DNS:%s", name);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);

    FILE *file = fopen(path, "w");
    assert_int_equal(PEM_write_X509(file, certificate), 1);
    fclose(file);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}

// The server, in a thread of its own.

struct peer {
    int descriptor;
    SSL *ssl; // NULL: plain
};

static ssize_t peer_read(struct peer *peer, char *data, size_t size)
{
    return peer->ssl ? SSL_read(peer->ssl, data, (int)size) : read(peer->descriptor, data, size);
}

static bool peer_write(struct peer *peer, const char *data, size_t size)
{
    ssize_t done = peer->ssl ? SSL_write(peer->ssl, data, (int)size) : write(peer->descriptor, data, size);

    if (done > 0)
        fixture.sent += (size_t)done;
    return done == (ssize_t)size;
}

// A request's head, and the body that it announces.
static bool hear(struct peer *peer)
{
    size_t size = 0;
    char *end, *length;

    for (;;) {
        ssize_t got = peer_read(peer, fixture.heard + size, sizeof(fixture.heard) - 1 - size);
        if (got <= 0)
            return false;
        size += (size_t)got;
        fixture.heard[size] = '\0';
        end = strstr(fixture.heard, "\r\n\r\n");
        length = strstr(fixture.heard, "Content-Length: ");
        if (end && size >= (size_t)(end + 4 - fixture.heard) + (length ? strtoul(length + 16, NULL, 10) : 0))
            break;
    }
    fixture.requests++;
    return true;
}

static void talk(struct peer *peer)
{
    static const char zeros[65536];

    while (hear(peer)) {
        if (fixture.manner == SILENT)
            continue;
        if (!peer_write(peer, fixture.says, strlen(fixture.says)) || fixture.manner == CLOSES)
            return;
        while (fixture.manner == ENDLESS) {
            if (!peer_write(peer, zeros, sizeof(zeros)))
                return;
        }
    }
}

static void *serve(void *arg)
{
    int deaf[8];

    for (;;) {
        struct peer peer = {.descriptor = accept(fixture.listener, NULL, NULL)};

        if (peer.descriptor < 0 || fixture.ending) {
            if (peer.descriptor >= 0)
                close(peer.descriptor);
            for (unsigned i = 0; i < fixture.connections && i < fixture.deaf; i++)
                close(deaf[i]);
            return NULL;
        }
        if (fixture.connections++ < fixture.deaf) {
            deaf[fixture.connections - 1] = peer.descriptor;
            continue;
        }
        if (fixture.context) {
            peer.ssl = SSL_new(fixture.context);
            SSL_set_fd(peer.ssl, peer.descriptor);
        }
        if (!peer.ssl || SSL_accept(peer.ssl) == 1)
            talk(&peer);
        SSL_free(peer.ssl);
        close(peer.descriptor);
    }
}

static void start_server(enum manner manner, const char *says, SSL_CTX *context)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(own);

    fixture.manner = manner;
    fixture.says = says;
    fixture.context = context;
    fixture.listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fixture.listener, (struct sockaddr *)&own, sizeof(own)), 0);
    assert_int_equal(listen(fixture.listener, 8), 0);
    assert_int_equal(getsockname(fixture.listener, (struct sockaddr *)&own, &size), 0);
    fixture.port = ntohs(own.sin_port);
    fixture.to_server[0] = (struct dial_override){
        .from_host = "api.github.com", .from_port = 0, .to_host = "127.0.0.1", .to_port = fixture.port};
    fixture.dialer.override_count = 1;
    assert_int_equal(pthread_create(&fixture.thread, NULL, serve, NULL), 0);
}

static int set_up(void **state)
{
    memset(&fixture, 0, sizeof(fixture));
    fixture.listener = -1;
    fixture.loop = loop_new(clock_real());
    fixture.resolver = resolver_new(fixture.loop, RESOLVE_FILES_AND_DNS, "127.0.0.1:1", NULL);
    fixture.dialer = (struct dialer){
        .loop = fixture.loop,
        .resolver = fixture.resolver,
        .overrides = fixture.to_server,
        .timeout_ms = 5 * SECOND_MS,
    };
    fixture.client = http_client_new(&fixture.dialer, NULL);
    assert_non_null(fixture.client);
    return 0;
}

static int tear_down(void **state)
{
    http_client_free(fixture.client);
    if (fixture.listener >= 0) {
        fixture.ending = true;
        shutdown(fixture.listener, SHUT_RDWR);
        pthread_join(fixture.thread, NULL);
        close(fixture.listener);
    }
    SSL_CTX_free(fixture.context);
    tls_client_unref(fixture.tls);
    resolver_free(fixture.resolver);
    loop_free(fixture.loop);
    for (int i = 0; i < 2; i++) {
        if (*fixture.root_path[i])
            unlink(fixture.root_path[i]);
    }
    return 0;
}

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
}

static void on_answer(void *arg, const struct http_answer *answer)
{
    fixture.answers++;
    fixture.answer = *answer;
    copy(fixture.problem, sizeof(fixture.problem), answer->problem);
    copy(fixture.date, sizeof(fixture.date), answer->date);
    copy(fixture.retry_after, sizeof(fixture.retry_after), answer->retry_after);
    copy(fixture.remaining, sizeof(fixture.remaining), answer->rate_limit_remaining);
    copy(fixture.location, sizeof(fixture.location), answer->location);
    fixture.body_size = answer->body.size;
    snprintf(fixture.body, sizeof(fixture.body), "%.*s", (int)answer->body.size,
             answer->body.data ? answer->body.data : "");
    loop_stop(fixture.loop);
}

static struct http_request *start(const struct http_call *call)
{
    struct http_transport *transport = http_client_transport(fixture.client);
    unsigned answers = fixture.answers;
    struct http_request *request = transport->ask(transport, call, on_answer, NULL);

    assert_int_equal(fixture.answers, answers); // never from inside
    return request;
}

static void call(const struct http_call *http_call)
{
    unsigned answers = fixture.answers;

    start(http_call);
    loop_run(fixture.loop);
    assert_int_equal(fixture.answers, answers + 1);
}

static void get(const char *url)
{
    call(&(struct http_call){.method = "GET", .url = url, .timeout_ms = 5 * SECOND_MS});
}

static void get_ours(void)
{
    char url[64];

    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", fixture.port);
    get(url);
}

static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: Mon, 24 Nov 2025 16:00:00 GMT\r\n"
                         "Retry-After: 7\r\nX-RateLimit-Remaining: 4999\r\n\r\nhello";

static void a_call_and_its_answer(void **state)
{
    static const char *const headers[] = {"Accept: application/json", NULL};
    char url[64];

    start_server(SAYS, ok, NULL);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/v1/token?x=1", fixture.port);
    call(&(struct http_call){.method = "POST",
                             .url = url,
                             .headers = headers,
                             .bearer = BYTES("ghs_secret"),
                             .body = BYTES("{\"a\":1}"),
                             .timeout_ms = 5 * SECOND_MS});
    assert_int_equal(fixture.answer.result, HTTP_ANSWERED);
    assert_int_equal(fixture.answer.status, 200);
    assert_string_equal(fixture.body, "hello");
    assert_string_equal(fixture.date, "Mon, 24 Nov 2025 16:00:00 GMT");
    assert_string_equal(fixture.retry_after, "7");
    assert_string_equal(fixture.remaining, "4999");
    assert_null(fixture.answer.location);
    assert_memory_equal(fixture.heard, "POST /v1/token?x=1 HTTP/1.1\r\n", 29);
    assert_non_null(strstr(fixture.heard, "\r\nAuthorization: Bearer ghs_secret\r\n"));
    assert_non_null(strstr(fixture.heard, "\r\nAccept: application/json\r\n"));
    assert_non_null(strstr(fixture.heard, "\r\nUser-Agent: gitlatch/"));
    assert_non_null(strstr(fixture.heard, "\r\n\r\n{\"a\":1}"));
    assert_null(strstr(fixture.heard, "Expect"));
}

static void a_connection_is_used_again(void **state)
{
    start_server(SAYS, ok, NULL);
    for (int i = 0; i < 5; i++)
        get_ours();
    assert_int_equal(fixture.connections, 1);
    assert_int_equal(fixture.requests, 5);
}

static void redirects_are_handed_on(void **state)
{
    start_server(SAYS, "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/x\r\n\r\n", NULL);
    get_ours();
    assert_int_equal(fixture.answer.status, 301);
    assert_string_equal(fixture.location, "http://127.0.0.1:1/x");
    assert_int_equal(fixture.requests, 1);
}

static void the_environment_is_not_read(void **state)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    start_server(SAYS, ok, NULL);
    get_ours();
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    assert_int_equal(fixture.answer.status, 200);
}

static void an_endless_answer_is_cut(void **state)
{
    start_server(ENDLESS, "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", NULL);
    get_ours();
    assert_int_equal(fixture.answer.result, HTTP_BROKEN);
    assert_string_equal(fixture.problem, "the answer is larger than 1 MiB");
    // What was sent beyond is what the sockets' buffers hold.
    assert_true(fixture.sent < 16 * MIB);
}

static void an_answer_that_announces_too_much(void **state)
{
    start_server(ENDLESS, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", NULL);
    get_ours();
    assert_int_equal(fixture.answer.result, HTTP_BROKEN);
    assert_string_equal(fixture.problem, "the answer is larger than 1 MiB");
}

static void half_an_answer_is_none(void **state)
{
    start_server(CLOSES, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"token\":", NULL);
    get_ours();
    assert_int_equal(fixture.answer.result, HTTP_UNREACHABLE);
    assert_true(*fixture.problem);
    assert_int_equal(fixture.answer.status, 0);
}

static void no_answer_at_all(void **state)
{
    start_server(CLOSES, "", NULL);
    get_ours();
    assert_int_equal(fixture.answer.result, HTTP_UNREACHABLE);
}

static void an_answer_that_is_not_http(void **state)
{
    start_server(CLOSES, "SSH-2.0-OpenSSH_9.2\r\n", NULL);
    get_ours();
    assert_int_equal(fixture.answer.result, HTTP_BROKEN);
}

static void a_silent_server_is_left(void **state)
{
    char url[64];

    start_server(SILENT, NULL, NULL);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", fixture.port);
    call(&(struct http_call){.method = "GET", .url = url, .timeout_ms = 200});
    assert_int_equal(fixture.answer.result, HTTP_TIMED_OUT);
}

static void nobody_there(void **state)
{
    get("http://127.0.0.1:1/");
    assert_int_equal(fixture.answer.result, HTTP_UNREACHABLE);
    get("http://no-such-name.invalid/");
    assert_int_equal(fixture.answer.result, HTTP_UNREACHABLE);
    assert_non_null(strstr(fixture.problem, "no-such-name.invalid cannot be found: "));
    get("nonsense");
    assert_int_equal(fixture.answer.result, HTTP_UNREACHABLE);
    get("file:///etc/passwd");
    assert_int_equal(fixture.answer.result, HTTP_UNREACHABLE);
    get("http://user:password@127.0.0.1:1/");
    assert_int_equal(fixture.answer.result, HTTP_UNREACHABLE);
}

// TLS.

static void trust(int which)
{
    tls_client_unref(fixture.tls);
    fixture.tls = tls_client_new(fixture.root_path[which], NULL);
    assert_non_null(fixture.tls);
}

static void make_root(int which, const char *name, bool serve_by_it)
{
    snprintf(fixture.root_path[which], sizeof(fixture.root_path[which]), "/tmp/gitlatch-unit-root-XXXXXX");
    int descriptor = mkstemp(fixture.root_path[which]);
    assert_true(descriptor >= 0);
    close(descriptor);
    SSL_CTX *context = make_identity(name, fixture.root_path[which]);
    if (serve_by_it)
        start_server(SAYS, ok, context);
    else
        SSL_CTX_free(context);
}

static void get_api(void)
{
    call(&(struct http_call){
        .method = "GET", .url = "https://api.github.com/rate_limit", .tls = fixture.tls, .timeout_ms = 5 * SECOND_MS});
}

static void the_certificate_is_verified_by_our_roots(void **state)
{
    make_root(0, "api.github.com", true);
    make_root(1, "api.github.com", false);
    trust(0);
    get_api();
    assert_string_equal(fixture.problem, "");
    assert_int_equal(fixture.answer.status, 200);
    assert_memory_equal(fixture.heard, "GET /rate_limit HTTP/1.1\r\nHost: api.github.com\r\n", 48);
    get_api();
    assert_int_equal(fixture.connections, 1);
}

static void another_root_is_not_trusted(void **state)
{
    make_root(0, "api.github.com", true);
    make_root(1, "api.github.com", false);
    trust(1);
    get_api();
    assert_int_equal(fixture.answer.result, HTTP_UNTRUSTED);
    assert_int_equal(fixture.requests, 0);
}

// One replica of several is dead: another try to connect may reach another.
static void who_does_not_answer_is_tried_again(void **state)
{
    make_root(0, "api.github.com", true);
    trust(0);
    fixture.deaf = 2;
    fixture.dialer.timeout_ms = 2 * SECOND_MS;
    call(&(struct http_call){.method = "POST",
                             .url = "https://api.github.com/x",
                             .tls = fixture.tls,
                             .body = BYTES("{\"a\":1}"),
                             .timeout_ms = 10 * SECOND_MS});
    assert_string_equal(fixture.problem, "");
    assert_int_equal(fixture.answer.status, 200);
    assert_non_null(strstr(fixture.heard, "\r\n\r\n{\"a\":1}"));
    assert_int_equal(fixture.connections, 3);
    assert_int_equal(fixture.requests, 1);
}

static void tries_to_connect_have_an_end(void **state)
{
    static const struct {
        int64_t connect_ms, timeout_ms;
        unsigned connections;
    } cases[] = {{400, 10 * SECOND_MS, 3}, {10 * SECOND_MS, 200, 4}};
    struct mono began;

    make_root(0, "api.github.com", true);
    trust(0);
    fixture.deaf = 8;
    for (size_t i = 0; i < GL_ARRAY_SIZE(cases); i++) {
        fixture.dialer.timeout_ms = cases[i].connect_ms;
        began = clock_mono(clock_real());
        call(&(struct http_call){
            .method = "GET", .url = "https://api.github.com/x", .tls = fixture.tls, .timeout_ms = cases[i].timeout_ms});
        assert_int_equal(fixture.answer.result, HTTP_TIMED_OUT);
        assert_true(*fixture.problem);
        assert_int_equal(fixture.connections, cases[i].connections);
        assert_true(clock_mono(clock_real()).ms - began.ms < 5 * SECOND_MS);
    }
}

// What was sent may have been heard.
static void what_was_sent_is_not_sent_again(void **state)
{
    start_server(SILENT, NULL, NULL);
    fixture.dialer.timeout_ms = 400;
    char url[64];
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", fixture.port);
    call(&(struct http_call){.method = "POST", .url = url, .body = BYTES("x"), .timeout_ms = 800});
    assert_int_equal(fixture.answer.result, HTTP_TIMED_OUT);
    assert_int_equal(fixture.connections, 1);
    assert_int_equal(fixture.requests, 1);
}

// A connection is verified by the roots of its own call, whatever those of the calls before were.
static void each_call_has_its_roots(void **state)
{
    static const struct {
        const char *url;
        int root;
        enum http_result result;
    } calls[] = {
        {"https://api.github.com/", 0, HTTP_ANSWERED},
        {"https://api.github.com:444/", 1, HTTP_UNTRUSTED},
        {"https://api.github.com:445/", 0, HTTP_ANSWERED},
    };

    make_root(0, "api.github.com", true);
    make_root(1, "api.github.com", false);
    fixture.manner = CLOSES;
    for (size_t i = 0; i < GL_ARRAY_SIZE(calls); i++) {
        trust(calls[i].root);
        call(
            &(struct http_call){.method = "GET", .url = calls[i].url, .tls = fixture.tls, .timeout_ms = 5 * SECOND_MS});
        assert_int_equal(fixture.answer.result, calls[i].result);
    }
}

static void another_name_is_not_trusted(void **state)
{
    make_root(0, "api.evil.example", true);
    trust(0);
    get_api();
    assert_int_equal(fixture.answer.result, HTTP_UNTRUSTED);
    assert_int_equal(fixture.requests, 0);
}

static void https_is_never_asked_without_roots(void **state)
{
    make_root(0, "api.github.com", true);
    get_api();
    assert_int_equal(fixture.answer.result, HTTP_BROKEN);
    assert_int_equal(fixture.connections, 0);
}

// The way out.

static void through_a_proxy(void **state)
{
    start_server(CLOSES, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", NULL);
    fixture.dialer.override_count = 0;
    fixture.dialer.proxy_host = "127.0.0.1";
    fixture.dialer.proxy_port = fixture.port;
    call(&(struct http_call){.method = "GET",
                             .url = "http://platform.test:8080/x",
                             .bearer = BYTES("ghs_secret"),
                             .timeout_ms = 5 * SECOND_MS});
    assert_int_equal(fixture.answer.result, HTTP_UNREACHABLE);
    assert_non_null(strstr(fixture.problem, "403"));
    assert_memory_equal(fixture.heard, "CONNECT platform.test:8080 HTTP/1.1\r\n", 37);
    // What is meant for the other end is not for the proxy's eyes.
    assert_null(strstr(fixture.heard, "ghs_secret"));
}

static void not_through_the_proxy(void **state)
{
    static const char *const no_proxy[] = {"127.0.0.1"};

    start_server(SAYS, ok, NULL);
    fixture.dialer.proxy_host = "127.0.0.1";
    fixture.dialer.proxy_port = 1;
    fixture.dialer.no_proxy = no_proxy;
    fixture.dialer.no_proxy_count = 1;
    get_ours();
    assert_int_equal(fixture.answer.status, 200);
}

static void on_pause(void *arg)
{
    loop_stop(fixture.loop);
}

static void who_goes_is_not_called(void **state)
{
    struct timer pause;
    char url[64];

    start_server(SILENT, NULL, NULL);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", fixture.port);
    struct http_call silent = {.method = "GET", .url = url, .timeout_ms = 100};
    struct http_call unresolved = {.method = "GET", .url = "http://no-such-name.invalid/", .timeout_ms = 100};
    struct http_transport *transport = http_client_transport(fixture.client);
    struct http_request *requests[] = {start(&silent), start(&unresolved)};

    timer_init(&pause, fixture.loop, on_pause, NULL);
    timer_start(&pause, 30);
    loop_run(fixture.loop);
    for (size_t i = 0; i < GL_ARRAY_SIZE(requests); i++)
        transport->cancel(transport, requests[i]);
    timer_start(&pause, 200);
    loop_run(fixture.loop);
    assert_int_equal(fixture.answers, 0);
    // And what is under way when all ends.
    start(&silent);
    start(&unresolved);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_and_its_answer),
        TEST(a_connection_is_used_again),
        TEST(redirects_are_handed_on),
        TEST(the_environment_is_not_read),
        TEST(an_endless_answer_is_cut),
        TEST(an_answer_that_announces_too_much),
        TEST(half_an_answer_is_none),
        TEST(no_answer_at_all),
        TEST(an_answer_that_is_not_http),
        TEST(a_silent_server_is_left),
        TEST(nobody_there),
        TEST(the_certificate_is_verified_by_our_roots),
        TEST(another_root_is_not_trusted),
        TEST(who_does_not_answer_is_tried_again),
        TEST(tries_to_connect_have_an_end),
        TEST(what_was_sent_is_not_sent_again),
        TEST(each_call_has_its_roots),
        TEST(another_name_is_not_trusted),
        TEST(https_is_never_asked_without_roots),
        TEST(through_a_proxy),
        TEST(not_through_the_proxy),
        TEST(who_goes_is_not_called),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
