# In the place of OpenWrt's /lib/functions.sh: what homing's scripts use of it. Read by `homing`'s config alone.
config_load() {
	CONFIG=/etc/config/$1
}
_options() { # SECTION KEY: the values of an option or list
	awk -v section="$1" -v key="$2" -v quote="'" '
		$1 == "config" { here = ($3 == quote section quote) }
		here && ($1 == "option" || $1 == "list") && $2 == key { value = $3; gsub(quote, "", value); print value }' "$CONFIG"
}
config_get() { # VARIABLE SECTION KEY DEFAULT
	local value
	value=$(_options "$2" "$3" | tail -n 1)
	eval "$1=\${value:-\$4}"
}
config_get_bool() {
	config_get "$@"
}
config_list_foreach() { # SECTION KEY FUNCTION
	local item
	for item in $(_options "$1" "$2"); do
		"$3" "$item"
	done
}
