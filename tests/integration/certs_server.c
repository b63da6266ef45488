// The certificate side alone, as real tools see it: makes the CA, publishes, and answers CONNECT with TLS and
// one HTTP answer that says "TLS accepted", in the form that git, git-lfs and everybody else can show.
//
//   certs-server STATE PUBLIC ROOTS [HOST CERTIFICATE KEY]…
//
// A HOST that is named (or an address) is shown that certificate, which the test has signed as a thief of the
// CA's key would. Runs until it is killed; a child serves each connection.
#include <arpa/inet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "identity.h"
#include "leaf.h"
#include "leaf_context.h"
#include "loop.h"
#include "mem.h"

static const char *const host_names[] = {"github.com", "api.github.com", "uploads.github.com"};

// Reads until the end of a head (blank line); the size, or 0 where the other side is gone.
typedef ssize_t read_fn(void *from, char *buffer, size_t size);

static size_t read_head(read_fn *read_some, void *from, char *buffer, size_t size)
{
    size_t used = 0;

    while (used < size - 1) {
        ssize_t count = read_some(from, buffer + used, size - 1 - used);

        if (count <= 0)
            return 0;
        used += (size_t)count;
        buffer[used] = '\0';
        if (strstr(buffer, "\r\n\r\n"))
            return used;
    }
    return 0;
}

static ssize_t read_socket(void *from, char *buffer, size_t size)
{
    return read(*(int *)from, buffer, size);
}

static ssize_t read_tls(void *from, char *buffer, size_t size)
{
    return SSL_read(from, buffer, (int)size);
}

static void answer(SSL *tls, const char *head)
{
    bool git = strstr(head, "/info/refs?") != NULL;
    bool lfs = strstr(head, "/locks") != NULL;
    const char *body = git ? "TLS accepted\n" : "{\"message\":\"TLS accepted\"}";
    const char *type = git ? "text/plain" : lfs ? "application/vnd.git-lfs+json" : "application/json";
    char *text = mem_format("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                            git || lfs ? "403 Forbidden" : "200 OK", type, strlen(body), body);

    SSL_write(tls, text, (int)strlen(text));
    mem_free(text);
}

static void serve_tls(int connection, SSL_CTX *context)
{
    SSL *tls = SSL_new(context);
    char head[16384];

    SSL_set_fd(tls, connection);
    if (SSL_accept(tls) == 1 && read_head(read_tls, tls, head, sizeof(head)) > 0) {
        answer(tls, head);
        SSL_shutdown(tls);
    }
    SSL_free(tls);
}

// The context for the certificate that the arguments name for a host; NULL: none.
static SSL_CTX *foreign_context(struct bytes host, char **arguments)
{
    for (; arguments[0]; arguments += 3) {
        struct error error;
        struct leaf leaf;
        BIO *certificate;
        BIO *key;

        if (!bytes_equal(bytes_of_string(arguments[0]), host))
            continue;
        certificate = BIO_new_file(arguments[1], "r");
        key = BIO_new_file(arguments[2], "r");
        leaf = (struct leaf){
            .certificate = PEM_read_bio_X509(certificate, NULL, NULL, NULL),
            .key = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL),
        };
        return leaf_context_new(&leaf, &error);
    }
    return NULL;
}

static void serve(int connection, const struct identity *identity, char **foreign)
{
    char head[16384];
    struct bytes host;
    struct bytes rest;
    SSL_CTX *context;

    if (read_head(read_socket, &connection, head, sizeof(head)) == 0 || strncmp(head, "CONNECT ", 8) != 0)
        return;
    bytes_cut(bytes_of_string(head + 8), ':', &host, &rest);
    context = leaf_set_context(identity_leaves(identity), host);
    if (!context)
        context = foreign_context(host, foreign);
    if (!context) {
        dprintf(connection, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    dprintf(connection, "HTTP/1.1 200 OK\r\n\r\n");
    serve_tls(connection, context);
}

static int listen_somewhere(struct sockaddr_in *ret_address)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 16) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
        perror("certs-server");
        exit(1);
    }
    *ret_address = address;
    return listener;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address;
    int listener = listen_somewhere(&address);
    const char *roots[] = {argc > 3 ? argv[3] : ""};
    const struct identity_settings settings = {
        .state = argc > 1 ? argv[1] : "",
        .publish = argc > 2 ? argv[2] : "",
        .shared = true,
        .roots = {roots, 1},
        .hosts = {host_names, GL_ARRAY_SIZE(host_names)},
        .web_hosts = {host_names, 1},
    };
    struct error error;
    struct identity *identity = identity_new(loop_new(clock_real()), &settings, &error);
    char *url = mem_format("http://127.0.0.1:%d", ntohs(address.sin_port));

    if (!identity || !identity_publish(identity, url, &error)) {
        fprintf(stderr, "certs-server: %s\n", error.text);
        return 1;
    }
    printf("ready %s\n", url);
    fflush(stdout);
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int connection = accept(listener, NULL, NULL);

        if (connection >= 0 && fork() == 0) {
            serve(connection, identity, argv + 4);
            _exit(0);
        }
        close(connection);
    }
}
