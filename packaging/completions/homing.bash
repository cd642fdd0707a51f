# Completion of homing for bash. Made by packaging/completions/generate from homing --help.
# shellcheck shell=bash
_homing() {
    local word=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    case ${COMP_WORDS[COMP_CWORD - 1]} in
    -c|--config|--svg|--uci)
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
        ;;
    -L|--list)
        mapfile -t COMPREPLY < <(compgen -W "$(homing --list --json 2>/dev/null | sed -n 's/.*"name":"\([^"]*\)".*/\1/p')" -- "$word")
        return
        ;;
    -o|--set|--only|-e|--every)
        return
        ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "--check --config --detect --dry-run --every --force --help --history --json --list --log-only --only --quiet --set --status --svg --uci --verbose --verify --version -H -L -V -c -d -e -f -h -j -l -n -o -q -s -t -v" -- "$word")
}
complete -o filenames -F _homing homing
