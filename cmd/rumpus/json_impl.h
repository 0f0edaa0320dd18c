/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * json_impl.h - for subcommands that print objects of their own
 */

#ifndef RUMPUS_JSON_IMPL_H
#define RUMPUS_JSON_IMPL_H

#include <jansson.h>
#include <stdint.h>

struct dent;

void	json_print(json_t *object);		/* consumes it */
void	json_set_text(json_t *object, const char *key, const char *text);
void	json_set_number(json_t *object, const char *key, uint64_t n);
json_t	*json_of_entry(const struct dent *e, const char *link);

#endif /* RUMPUS_JSON_IMPL_H */
