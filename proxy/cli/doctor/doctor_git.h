// Settings of git by which it goes past gitlatch, or trusts nobody or anybody; and the repository that doctor stands in.
#ifndef GITLATCH_DOCTOR_GIT_H
#define GITLATCH_DOCTOR_GIT_H

#include "doctor.h"

void doctor_examine_git(struct doctor *doctor);

#endif
