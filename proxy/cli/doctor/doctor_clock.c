#include "doctor_clock.h"

#include <inttypes.h>
#include <stdlib.h>

#include "doctor_request.h"
#include "mem.h"

// A page that gitlatch passes on without a credential, so that the answer has GitHub's own Date.
#define PAGE "https://github.com/robots.txt"
// A JWT of gitlatch's is dated a minute back: beyond, GitHub refuses it.
#define CLOCK_TOLERANCE_MS MINUTE_MS

static bool is_clock_wrong(const struct doctor_answer *answer, struct wall now)
{
    return (answer->not_after.ms && (now.ms < answer->not_before.ms || now.ms > answer->not_after.ms)) ||
           (answer->date.ms && llabs(now.ms - answer->date.ms) > CLOCK_TOLERANCE_MS);
}

void doctor_examine_clock(struct doctor *doctor)
{
    bool by_proxy = doctor->tools_way == DOCTOR_PROXY || doctor->git_way == DOCTOR_PROXY;
    struct doctor_request request = {.url = PAGE, .head = true};
    struct wall now = clock_wall(clock_real());
    struct doctor_answer answer;
    int64_t ahead_ms;

    if (by_proxy)
        request.proxy = doctor->tools_way == DOCTOR_PROXY ? doctor->tools_proxy : doctor->git_proxy;
    else if (doctor->tools_way != DOCTOR_TRANSPARENT) {
        doctor_note(doctor, "clock", "cannot be told from here: nothing leads to GitHub's pages");
        return;
    }
    doctor_request(&request, &answer);
    ahead_ms = now.ms - answer.date.ms;
    doctor->clock_wrong = is_clock_wrong(&answer, now);
    if (answer.not_after.ms && (now.ms < answer.not_before.ms || now.ms > answer.not_after.ms))
        doctor_wrong(doctor, "clock",
                     "it is %s all of the days for which gitlatch's certificate is good" FINDING_WHY
                     "certificates and tokens are judged by it" FINDING_MEND
                     "timedatectl set-ntp true, or set the clock of the machine below",
                     now.ms < answer.not_before.ms ? "before" : "after");
    else if (!answer.date.ms)
        doctor_ok(doctor, "clock",
                  "within the days for which gitlatch's certificate is good; GitHub's own clock is not "
                  "seen from here");
    else if (llabs(ahead_ms) > CLOCK_TOLERANCE_MS)
        doctor_wrong(doctor, "clock",
                     "it is %" PRId64 " s %s GitHub's" FINDING_WHY
                     "certificates and tokens are judged by it" FINDING_MEND
                     "timedatectl set-ntp true, or set the clock of the machine below",
                     (int64_t)llabs(ahead_ms) / SECOND_MS, ahead_ms > 0 ? "ahead of" : "behind");
    else
        doctor_ok(doctor, "clock", "as GitHub's, within a minute");
}

// What is published here may be of another gitlatch than the one that answers: then no tool can trust it, and its own
// line would name the wrong cause.
void doctor_examine_published(struct doctor *doctor)
{
    bool tools = doctor->tools_way == DOCTOR_PROXY;
    char *roots = doctor->published ? mem_format("%s/ca.pem", doctor->published) : NULL;
    struct doctor_request request = {
        .url = DOCTOR_URL, .proxy = tools ? doctor->tools_proxy : doctor->git_proxy, .roots = roots};
    struct doctor_answer answer;

    if (roots && !doctor->clock_wrong && (tools || doctor->git_way == DOCTOR_PROXY)) {
        doctor_request(&request, &answer);
        if (answer.untrusted)
            doctor_wrong(doctor, "CA",
                         "%s is not the CA of the gitlatch that answers here" FINDING_WHY
                         "no tool trusts it by what is published there, whatever its own line says" FINDING_MEND
                         "read the `env` that this gitlatch publishes; where two publish into one directory, end one",
                         roots);
    }
    mem_free(roots);
}
