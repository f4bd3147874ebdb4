// Defaults that depend on this machine, made as Postfix makes them (postconf(5)): myhostname, mydomain and
// mynetworks. Asked lazily, because each depends on other settings.

import { hostname, networkInterfaces } from 'node:os';

interface SettingsView {
  raw(name: string): string | undefined;
  expanded(name: string): string;
  isSet(name: string): boolean;
}

/** Undefined for a parameter that does not depend on the machine. */
export function hostDefaults(name: string, settings: SettingsView): string | undefined {
  switch (name) {
    case 'myhostname':
      return defaultHostname(settings);
    case 'mydomain':
      return defaultDomain(settings);
    case 'mynetworks':
      return defaultNetworks(settings);
    case 'process_id':
      return String(process.pid);
    default:
      return undefined;
  }
}

function defaultHostname(settings: SettingsView): string {
  const name = hostname();
  if (name.includes('.')) return name;
  return `${name}.${settings.isSet('mydomain') ? (settings.raw('mydomain') ?? '') : 'localdomain'}`;
}

function defaultDomain(settings: SettingsView): string {
  const name = settings.isSet('myhostname') ? settings.expanded('myhostname') : defaultHostname(settings);
  const dot = name.indexOf('.');
  return dot < 0 ? 'localdomain' : name.slice(dot + 1);
}

function defaultNetworks(settings: SettingsView): string {
  const style = settings.expanded('mynetworks_style');
  const interfaces = settings.expanded('inet_interfaces').split(/[\s,]+/);
  const protocols = settings.expanded('inet_protocols').split(/[\s,]+/);
  const wanted = (address: { family: string; address: string; internal: boolean }): boolean =>
    (protocols.includes('all') || protocols.includes(address.family.toLowerCase())) &&
    (interfaces.includes('all') ||
      (interfaces.includes('loopback-only') && address.internal) ||
      interfaces.some((entry) => entry === address.address || entry === `[${address.address}]`));
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(wanted);
  const networks = [
    ...addresses.filter((one) => one.family === 'IPv4'),
    ...addresses.filter((one) => one.family !== 'IPv4'),
  ];
  return [...new Set(networks.map((one) => formatNetwork(one.address, one.cidr, style)))].join(' ');
}

function formatNetwork(address: string, cidr: string | null, style: string): string {
  const isV6 = address.includes(':');
  const full = isV6 ? 128 : 32;
  const subnet = Number(cidr?.split('/')[1] ?? full);
  // The classes A, B and C of IPv4 before 1993; IPv6 has none and takes its subnet.
  const first = Number(address.split('.')[0]);
  const classful = first < 128 ? 8 : first < 192 ? 16 : 24;
  const bits = style === 'host' ? full : style === 'class' && !isV6 ? classful : subnet;
  return isV6 ? `[${maskV6(address, bits)}]/${bits}` : `${maskV4(address, bits)}/${bits}`;
}

function maskV4(address: string, bits: number): string {
  const octets = address.split('.').map(Number);
  return octets.map((octet, at) => octet & (0xff00 >> Math.min(8, Math.max(0, bits - at * 8))) & 0xff).join('.');
}

/** Clears the host bits and writes the address as RFC 5952 does. */
function maskV6(address: string, bits: number): string {
  const [head = '', tail] = address.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros: string[] = new Array<string>(tail === undefined ? 0 : 8 - left.length - right.length).fill('0');
  const groups = [...left, ...zeros, ...right].map((group, at) => {
    const kept = Math.min(16, Math.max(0, bits - at * 16));
    return Number.parseInt(group, 16) & (0xffff0000 >> kept) & 0xffff;
  });
  const hex = groups.map((group) => group.toString(16)).join(':');
  return new URL(`http://[${hex}]`).hostname.slice(1, -1);
}
