// Wrong passwords, by the address that they come from: who guesses is slowed down, and logged.
#ifndef GITLATCH_PASSWORD_GUESSES_H
#define GITLATCH_PASSWORD_GUESSES_H

#include <stdbool.h>

#include <gitlatch/attr.h>

struct loop;
struct password_guesses;

struct password_guesses *password_guesses_new(struct loop *loop) GL_MUST_CHECK;
void password_guesses_free(struct password_guesses *guesses); // NULL: nothing

// Whether a password from this client (an address and its port) is looked at now. Beyond the pace not even the right one is: else its answer would
// tell it from the wrong ones. Right ones do not count.
bool password_guesses_may_try(const struct password_guesses *guesses, const char *client) GL_MUST_CHECK;
// A wrong password came from there.
void password_guesses_count(struct password_guesses *guesses, const char *client);

#endif
