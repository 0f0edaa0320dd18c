# SPDX-License-Identifier: BSD-2-Clause
#
# completion.bash - rumpus(1) for bash: commands, options, images, and paths
# inside of them, for which the image is asked

_rumpus() {
	local commands='info ls cat cp find stat du df tree sha256 tar net ping traceroute ip ss capture run sh
	    server ps stop trace top doctor'
	local network='--if= --route= --gw= --mtu= --mac= --loss= --delay= --jitter= --rate= --reorder=
	    --duplicate= --corrupt= --seed= --capture= --sysctl= --on= --json --help'
	local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} options='--help --offset='
	local word prefix path

	# Bash takes a colon for a word of its own: put the location together.
	word=${COMP_LINE:0:COMP_POINT}
	word=${word##* }

	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$cur")
		return
	fi
	case $command in
	server)
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--name= --net= --mount= --device= --component= --cpus=
			    --memory= --config= --foreground --verbose --log= --metrics= --stop-time= --end-with=
			    --no-lockin --route= --gw= --sysctl= --help' -- "$cur")
		fi
		return
		;;
	ps | stop | trace | top | doctor)
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W '--json --on= --clean --help' -- "$cur")
		elif [ "$command" = doctor ]; then
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -W "$(rumpus ps 2>/dev/null |
			    while read -r name _; do [ "$name" = NAME ] || echo "$name"; done)" -- "$cur")
		fi
		return
		;;
	run)
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$network --net= --on= --tree --mount= --map-uid=
			    --path= --blanket= --socket= --fd-from= --engine= --root --verbose" -- "$cur")
		else
			mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		fi
		return
		;;
	net | ping | traceroute | ip | ss | capture)
		if [[ $cur == -* ]]; then
			[ "$command" != net ] || network="$network --serve --rr"
			mapfile -t COMPREPLY < <(compgen -W "$network" -- "$cur")
		elif [ "$command" = net ] && [ "$COMP_CWORD" -eq 2 ]; then
			mapfile -t COMPREPLY < <(compgen -W 'up cat perf' -- "$cur")
		elif [ "$command" = ip ]; then
			mapfile -t COMPREPLY < <(compgen -W 'address link route neighbour rule monitor show add
			    delete set replace append get' -- "$cur")
		fi
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		case $command in
		info | ls | find | stat | du | df | tree | sha256) options="$options --json" ;;
		esac
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	if [[ $word == *:/* ]]; then
		prefix=${word%%:/*}
		path=/${word#*:/}
		path=${path%/*}/
		mapfile -t COMPREPLY < <(rumpus ls -1A "$prefix:$path" 2>/dev/null |
		    while IFS= read -r name; do printf '%s\n' "$path$name"; done |
		    grep -F -- "/${word#*:/}")
		compopt -o nospace 2>/dev/null
		return
	fi
	mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	compopt -o filenames 2>/dev/null
}
complete -F _rumpus rumpus
