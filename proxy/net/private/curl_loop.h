// Curl's multi interface on the event loop: its sockets and its timer, whatever is transferred.
#ifndef GITLATCH_CURL_LOOP_H
#define GITLATCH_CURL_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>

#include <gitlatch/attr.h>

struct curl_loop;
struct loop;

// A transfer has ended; it is still to be removed. Called from the loop, never from inside of the functions below.
typedef void curl_loop_done_fn(void *arg, CURL *easy, CURLcode result);

// NULL: curl cannot be set up.
struct curl_loop *curl_loop_new(struct loop *loop, curl_loop_done_fn *done, void *arg) GL_MUST_CHECK;
// All transfers were removed. Never from inside of `done`.
void curl_loop_free(struct curl_loop *curl);
// The transfer begins when the loop turns; it stays the caller's. False: curl does not take it.
bool curl_loop_add(struct curl_loop *curl, CURL *easy) GL_MUST_CHECK;
void curl_loop_remove(struct curl_loop *curl, CURL *easy);

#endif
