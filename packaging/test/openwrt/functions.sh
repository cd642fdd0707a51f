# A stand-in for OpenWrt's /lib/functions.sh with the functions that the scripts of homing and of its packages use. It reads only
# the configuration of homing.
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
# Functions for the scripts of packages. They find init scripts in the package's list of files, which opkg writes and a package
# for apk contains.
add_group_and_user() {
	:
}
_scripts() { # SCRIPT, named for the package, unless $pkgname says which
	local list="/usr/lib/opkg/info/${pkgname:=$(basename "${1%.*}")}.list"
	[ ! -f "/lib/apk/packages/$pkgname.list" ] || list="/lib/apk/packages/$pkgname.list"
	grep '^/etc/init.d/' "$list"
}
default_postinst() {
	local script
	for script in $(_scripts "$@"); do
		[ "${PKG_UPGRADE:-}" = 1 ] || "$script" enable
		"$script" start
	done
}
default_prerm() {
	local script
	for script in $(_scripts "$@"); do
		[ "${PKG_UPGRADE:-}" = 1 ] || "$script" disable
		"$script" stop
	done
}
