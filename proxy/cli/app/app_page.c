#include "app_page.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <event2/event.h>
#include <openssl/crypto.h>

#include "answer.h"
#include "loop.h"
#include "mem.h"
#include "service.h"
#include "target.h"

#define TIMEOUT_MS     (30 * SECOND_MS)
#define FLUSH_MS       200 // for the last page to reach the browser
#define STDIN_LINE_MAX 2048

struct app_page {
    struct app_manifest *manifest;
    app_code_fn *take;
    void *arg;
    struct loop *loop;
    struct service *service;
    struct timer end;
    struct event *input;
    char state[APP_STATE_SIZE], host[ADDRESS_TEXT_SIZE];
    char *url, *redirect_url;
    char line[STDIN_LINE_MAX];
    size_t line_size;
    bool taken;
};

static void make_state(char state[APP_STATE_SIZE])
{
    unsigned char bytes[(APP_STATE_SIZE - 1) / 2];

    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        abort(); // never for so few bytes, once the system is up
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(state + 2 * i, 3, "%02x", bytes[i]);
}

static void send_page(struct service_call *call, int status, struct bytes body, struct bytes policy)
{
    struct answer answer = {.status = status,
                            .content_type = BYTES("text/html; charset=utf-8"),
                            .body = body,
                            .content_security_policy = policy};

    service_call_close(call);
    service_answer(call, &answer, false);
}

static void send_message(struct service_call *call, int status, const char *title, const char *link)
{
    struct text body = {0};

    text_format(&body,
                "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>gitlatch</title>\n<main>\n"
                "<h1>%s</h1>\n",
                title);
    if (link) {
        text_append(&body, "<p><a href=\"");
        app_manifest_append_html(&body, link);
        text_append(&body, "\">Install it</a>, then go back to the terminal.</p>\n");
    }
    text_append(&body, "</main>\n</html>\n");
    send_page(call, status, text_bytes(&body), BYTES("default-src 'none'; frame-ancestors 'none'"));
    text_free(&body);
}

// The value of a parameter whose values have no byte that is ever encoded. Empty: it is not there.
static struct bytes parameter(struct bytes query, const char *name)
{
    struct bytes pair, key, value;
    bool more = true;

    while (more) {
        more = bytes_cut(query, '&', &pair, &query);
        bytes_cut(pair, '=', &key, &value);
        if (bytes_equal(key, bytes_of_string(name)))
            return value;
    }
    return BYTES("");
}

static bool is_code(struct bytes code)
{
    bool good = code.size > 0 && code.size < APP_CODE_MAX;

    for (size_t i = 0; i < code.size && good; i++)
        good = isalnum((unsigned char)code.data[i]) || code.data[i] == '-' || code.data[i] == '_';
    return good;
}

static bool is_our_state(const struct app_page *page, struct bytes state)
{
    return state.size == APP_STATE_SIZE - 1 && CRYPTO_memcmp(state.data, page->state, state.size) == 0;
}

// NULL: it could not be used, and has been reported.
static char *take(struct app_page *page, struct bytes code)
{
    char *text = mem_bytes_string(code), *link = page->take(page->arg, text);

    explicit_bzero(text, code.size);
    mem_free(text);
    page->taken = link != NULL;
    if (link)
        timer_start(&page->end, FLUSH_MS);
    return link;
}

// GitHub's page sends the browser here; another page may, too, with a code of an App that is not ours: `state` tells.
static void on_back(struct app_page *page, struct service_call *call, struct bytes query)
{
    struct bytes code = parameter(query, "code");

    if (page->taken) {
        send_message(call, 409, "The App is made already", NULL);
    } else if (!is_our_state(page, parameter(query, "state"))) {
        send_message(call, 403, "This did not begin here: nothing was taken", NULL);
    } else if (!is_code(code)) {
        send_message(call, 400, "GitHub sent no code: begin again", NULL);
    } else {
        char *link = take(page, code);

        send_message(call, link ? 200 : 502,
                     link ? "The App is made" : "GitHub does not take the code: see the terminal", link);
        mem_free(link);
    }
}

static void on_call(void *arg, struct service_call *call)
{
    struct app_page *page = arg;
    const struct target *target = service_call_target(call);
    struct text body = {0}, policy = {0};

    if (service_call_method(call) != METHOD_GET) {
        send_message(call, 405, "Only GET", NULL);
    } else if (!bytes_equal(service_call_field(call, FIELD_HOST), bytes_of_string(page->host))) {
        send_message(call, 421, "Ask under the address that was printed", NULL);
    } else if (bytes_equal(target->path, BYTES("/created"))) {
        on_back(page, call, target->query);
    } else if (bytes_equal(target->path, BYTES("/"))) {
        app_manifest_append_page(page->manifest, &body);
        app_manifest_append_policy(page->manifest, &policy);
        send_page(call, 200, text_bytes(&body), text_bytes(&policy));
    } else {
        send_message(call, 404, "There is nothing here", NULL);
    }
    text_free(&body);
    text_free(&policy);
}

static void on_end(void *arg)
{
    struct app_page *page = arg;

    loop_stop(page->loop);
}

struct app_page *app_page_new(struct app_manifest *manifest, app_code_fn *take_code, void *arg, struct error *ret_error)
{
    struct app_page *page = mem_alloc_zero(1, sizeof(*page));
    struct service_options options = {.connections = 16, .timeout_ms = TIMEOUT_MS, .handler = on_call, .arg = page};

    page->manifest = manifest;
    page->take = take_code;
    page->arg = arg;
    page->loop = loop_new(clock_real());
    timer_init(&page->end, page->loop, on_end, page);
    options.loop = page->loop;
    if (address_parse(BYTES("127.0.0.1"), 0, &options.address))
        page->service = service_new(&options, ret_error);
    if (!page->service) {
        app_page_free(page);
        return NULL;
    }
    make_state(page->state);
    address_format(service_address(page->service), page->host);
    page->url = mem_format("http://%s/", page->host);
    page->redirect_url = mem_format("%screated", page->url);
    manifest->redirect_url = page->redirect_url;
    manifest->state = page->state;
    return page;
}

void app_page_free(struct app_page *page)
{
    if (!page)
        return;
    timer_stop(&page->end);
    if (page->input)
        event_free(page->input);
    service_free(page->service);
    loop_free(page->loop);
    mem_free(page->redirect_url);
    mem_free(page->url);
    mem_free(page);
}

const char *app_page_url(const struct app_page *page)
{
    return page->url;
}

// What a person pasted: the code, or the address to which GitHub sent the browser, whose state is looked at.
static void on_line(struct app_page *page, struct bytes line)
{
    struct bytes before, query, code;

    if (bytes_cut(line, '?', &before, &query)) {
        code = parameter(query, "code");
        if (!is_our_state(page, parameter(query, "state"))) {
            fputs("gitlatch app: that address is not of this run; paste the one that the browser shows now\n", stderr);
            return;
        }
    } else {
        code = line;
    }
    if (!is_code(code)) {
        fputs(
            "gitlatch app: that is no code; paste the address that the browser shows, or what stands in it behind code=\n",
            stderr);
        return;
    }
    mem_free(take(page, code));
}

static void on_input(evutil_socket_t descriptor, short events, void *arg)
{
    struct app_page *page = arg;
    ssize_t count = read(descriptor, page->line + page->line_size, sizeof(page->line) - page->line_size);
    char *end;

    if (count <= 0) {
        event_del(page->input);
        loop_stop(page->loop);
        return;
    }
    page->line_size += (size_t)count;
    while (!page->taken && (end = memchr(page->line, '\n', page->line_size)) != NULL) {
        size_t size = (size_t)(end - page->line), rest = page->line_size - size - 1;

        while (size > 0 && isspace((unsigned char)page->line[size - 1]))
            size--;
        if (size > 0)
            on_line(page, bytes_of(page->line, size));
        memmove(page->line, end + 1, rest);
        page->line_size = rest;
    }
    if (page->line_size == sizeof(page->line))
        page->line_size = 0; // no address is so long
}

bool app_page_run(struct app_page *page, bool reads_stdin)
{
    if (reads_stdin) {
        page->input = event_new(loop_event_base(page->loop), STDIN_FILENO, EV_READ | EV_PERSIST, on_input, page);
        event_add(page->input, NULL);
    }
    loop_run(page->loop);
    return page->taken;
}
