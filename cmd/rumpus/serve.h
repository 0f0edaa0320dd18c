/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * serve.h - the commands of rumpus(1) about servers
 */

#ifndef RUMPUS_SERVE_H
#define RUMPUS_SERVE_H

int	cmd_server(int argc, char **argv);
int	cmd_ps(int argc, char **argv);
int	cmd_stop(int argc, char **argv);
int	cmd_trace(int argc, char **argv);
int	cmd_top(int argc, char **argv);
int	cmd_doctor(int argc, char **argv);
int	cmd_sh(int argc, char **argv);

#endif /* RUMPUS_SERVE_H */
