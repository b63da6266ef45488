// The page on loopback that leads to GitHub, and to which GitHub sends the browser back with a code.
#ifndef GITLATCH_APP_PAGE_H
#define GITLATCH_APP_PAGE_H

#include <stdbool.h>

#include <gitlatch/attr.h>

#include "app_manifest.h"
#include "error.h"

#define APP_STATE_SIZE 33 // 128 bits in hex, and the end
#define APP_CODE_MAX   200

struct app_page;

// Takes the code, which is good once. Returns where the App is installed, for the browser; NULL: it failed. The caller's
// (mem_free).
typedef char *app_code_fn(void *arg, const char *code);

// Listens. `manifest` is on loan; its `redirect_url` and `state` are set.
struct app_page *app_page_new(struct app_manifest *manifest, app_code_fn *take, void *arg, struct error *ret_error)
    GL_MUST_CHECK;
void app_page_free(struct app_page *page); // NULL: nothing
const char *app_page_url(const struct app_page *page);
// Serves until a code was taken; with `reads_stdin` one may come there as well, alone or in the whole address to which
// GitHub sent the browser. False: stdin has ended without one.
bool app_page_run(struct app_page *page, bool reads_stdin) GL_MUST_CHECK;

#endif
