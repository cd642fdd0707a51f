# A stand-in for OpenWrt's /lib/functions/network.sh. The file /devices has the device of each network.
network_get_device() {
	local _found
	_found=$(sed -n "s/^$2 //p" /devices)
	eval "$1=\$_found"
	[ -n "$_found" ]
}
