/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kvar_impl.h - variables of those who start before there can be any;
 * kvar_boot() registers them
 */

#ifndef CORE_KVAR_IMPL_H
#define CORE_KVAR_IMPL_H

#include <sys/kvar.h>

extern struct kvar log_kvar;
extern struct kvar qsbr_kvar;

void	system_boot(void);	/* names of the system */

#endif /* CORE_KVAR_IMPL_H */
