// The end of an exchange in which nothing moves for `limits.idle`, or whose end takes too long.
#ifndef GITLATCH_EXCHANGE_SILENCE_H
#define GITLATCH_EXCHANGE_SILENCE_H

struct exchange;

void exchange_silence_watch(struct exchange *exchange);

#endif
