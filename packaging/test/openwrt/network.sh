# In the place of OpenWrt's /lib/functions/network.sh: which device stands behind a network is in /devices.
network_get_device() {
	local _found
	_found=$(sed -n "s/^$2 //p" /devices)
	eval "$1=\$_found"
	[ -n "$_found" ]
}
