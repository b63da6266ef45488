// GitHub's answer in an exchange: passed on to the client, or read to be quoted in an answer of our own.
#ifndef GITLATCH_EXCHANGE_GITHUB_H
#define GITLATCH_EXCHANGE_GITHUB_H

struct exchange;

// The answer has begun, in `attempt.answer`.
void exchange_github_head(struct exchange *exchange);
// EXCHANGE_PASSES: passes on what there is.
void exchange_github_pass(struct exchange *exchange);
// EXCHANGE_QUOTES: reads what there is of the error's text, and refuses with it at its end.
void exchange_github_read_quote(struct exchange *exchange);
// Refuses with the error's text as far as it came.
void exchange_github_refuse_with_quote(struct exchange *exchange);
// GitHub does not show the repository to strangers, and no token could be had: the reason is what helps.
void exchange_github_refuse_without_token(struct exchange *exchange);

#endif
