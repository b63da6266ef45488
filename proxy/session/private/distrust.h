// Clients that end their TLS before they send a request: most of them do not trust the published CA. GnuTLS (Debian's git)
// closes without an alert, so nothing else would tell.
#ifndef GITLATCH_DISTRUST_H
#define GITLATCH_DISTRUST_H

#include <gitlatch/attr.h>

struct distrust;
struct loop;
struct metrics;
struct session;
struct text;

struct distrust *distrust_new(struct loop *loop, struct metrics *metrics) GL_MUST_CHECK;
void distrust_free(struct distrust *distrust); // NULL: nothing

// Counts a session whose TLS has ended like that; a line of the log a minute says so.
void distrust_count(struct distrust *distrust, const struct session *session);
// Appends `,"distrust":{…}` to /status: how many there were, and the last one. Nothing where there was none.
void distrust_append(const struct distrust *distrust, struct text *text);

#endif
