// data table
// The names of the generated conversations: who connects, what it calls itself, who writes to whom, and what the DNS
// says of all of them. Few names, so that lists, tables and conversations meet.

/** For the name server of both sides; as of test/harness/dns-server.ts. */
export const zone = `
good.test MX 10 mx1.good.test
mx1.good.test A 203.0.113.11
good.test NS ns1.good.test
ns1.good.test A 203.0.113.53
good.test A 203.0.113.10
mail.good.test A 203.0.113.12
sub.good.test MX 5 mx1.good.test
bad.test MX 10 mx.evil.test
bad.test NS ns.evil.test
bad.test A 198.51.100.66
mx.evil.test A 198.51.100.25
ns.evil.test A 198.51.100.53
evil.test NS ns.evil.test
six.test MX 10 mx.six.test
mx.six.test AAAA 2001:db8::25
six.test AAAA 2001:db8::6
aonly.test A 203.0.113.77
nulled.test MX 0 .
nulled.test A 203.0.113.78
txtonly.test TXT nothing else
broken.test FAIL
lost.test MX 10 nowhere.lost.test
lost.test NS nowhere.lost.test
halfbroken.test MX 10 broken.test
halfbroken.test NS broken.test
loop.test MX 10 mx.access.test
loop.test MX 20 backup.access.test
backed.test MX 10 mx1.good.test
backed.test MX 20 mx.access.test
mx.access.test A 127.0.0.1
backup.access.test A 203.0.113.99
many.test MX 10 mx1.good.test
many.test MX 10 mx.evil.test
literal.test MX 10 203.0.113.200
xn--bcher-kva.test MX 10 mx1.good.test
client.good.test A 203.0.113.5
66.100.51.198.bl.test A 127.0.0.2
66.100.51.198.bl.test TXT Spam $source, see http://bl.test/?198.51.100.66
5.113.0.203.bl.test A 127.0.0.9
7.2.0.192.bl.test A 127.0.0.4
7.2.0.192.bl.test TXT two
5.113.0.203.wl.test A 127.0.0.1
9.2.0.192.wl.test FAIL
9.2.0.192.bl.test FAIL
6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.test A 127.0.0.2
bad.test.rhs.test A 127.0.0.2
bad.test.rhs.test TXT bad domain
client.good.test.rhs.test A 127.0.0.3
good.test.wl.test A 127.0.0.1
client.good.test.wl.test A 127.0.0.1
broken.test.rhs.test FAIL
listed.helo.test.rhs.test A 127.0.0.5
example.test.rhs.test A 127.0.0.4
`;

/** XCLIENT's words for who connects. */
export const clients: readonly string[] = [
  'NAME=client.good.test ADDR=203.0.113.5',
  'NAME=client.good.test ADDR=203.0.113.5 PORT=4711',
  'NAME=bad.test ADDR=198.51.100.66',
  'NAME=mail.bad.test ADDR=198.51.100.67',
  'NAME=[UNAVAILABLE] ADDR=192.0.2.7',
  'NAME=[UNAVAILABLE] ADDR=192.0.2.8 REVERSE_NAME=rev.bad.test',
  'NAME=[TEMPUNAVAIL] ADDR=192.0.2.9',
  'NAME=[TEMPUNAVAIL] ADDR=192.0.2.10 REVERSE_NAME=[TEMPUNAVAIL]',
  'NAME=[UNAVAILABLE] ADDR=192.0.2.11 REVERSE_NAME=bad.test',
  'NAME=six.test ADDR=IPV6:2001:db8::6',
  'NAME=inside.test ADDR=10.1.2.3',
  'NAME=broken.test ADDR=203.0.113.222',
  'NAME=Good.Test ADDR=203.0.113.10',
  'NAME=a.b.c.bad.test ADDR=203.0.113.44 REVERSE_NAME=six.test',
];

export const heloNames: readonly string[] = [
  'client.good.test',
  'good.test',
  'GOOD.TEST',
  'bad.test',
  'listed.helo.test',
  'unknown.test',
  'bare',
  'good.test.',
  'a..b',
  '-x.test',
  'under_score.test',
  '[203.0.113.5]',
  '[203.0.113.999]',
  '[IPv6:2001:db8::6]',
  '[nonsense]',
  '203.0.113.5',
  '203.0.113',
  'mx.access.test',
  'broken.test',
  'aonly.test',
  'six.test',
  'x@y.test',
  '$name.test',
  'two words.test',
];

export const senders: readonly string[] = [
  '<>',
  '<a@good.test>',
  '<ann@good.test>',
  '<Ann@Good.Test>',
  '<b@bad.test>',
  '<b+ext@bad.test>',
  '<c@sub.good.test>',
  '<d@unknown.test>',
  '<e@broken.test>',
  '<f@nulled.test>',
  '<g@six.test>',
  '<h@aonly.test>',
  '<i@txtonly.test>',
  '<j@lost.test>',
  '<k@halfbroken.test>',
  '<l@literal.test>',
  '<m@[203.0.113.5]>',
  '<n@[bad]>',
  '<bare>',
  '<o@host>',
  '<p@many.test>',
  '<ann@example.test>',
  '<nobody@example.test>',
  '<ann@list.test>',
  '<q@good.test.>',
  '<"two words"@good.test>',
  '<"b@c"@bad.test>',
  '<r%bad.test@example.test>',
  '<@hop.test:s@good.test>',
  '<double-bounce@mx.access.test>',
  '<a..b@good.test>',
  '<postmaster@bad.test>',
  '<t$u@bad.test>',
  '<rel@relay.test>',
];

export const recipients: readonly string[] = [
  '<ann@example.test>',
  '<ann@example.test>',
  '<bob@example.test>',
  '<Ann+x@Example.Test>',
  '<nobody@example.test>',
  '<ann@list.test>',
  '<nobody@list.test>',
  '<root@mx.access.test>',
  '<nobody@mx.access.test>',
  '<postmaster>',
  '<Postmaster>',
  '<postmaster@example.test>',
  '<u@relay.test>',
  '<v@sub.relay.test>',
  '<w@good.test>',
  '<x@bad.test>',
  '<y@unknown.test>',
  '<z@broken.test>',
  '<n@nulled.test>',
  '<s@six.test>',
  '<l@loop.test>',
  '<b@backed.test>',
  '<h@halfbroken.test>',
  '<bare>',
  '<a%good.test@example.test>',
  '<"a@good.test"@example.test>',
  '<good.test!a@example.test>',
  '<ann@[127.0.0.1]>',
  '<ann@[203.0.113.5]>',
  '<ann@[bad]>',
  '<@hop.test:ann@example.test>',
  '<"two words"@example.test>',
  '<i@host>',
  '<@example.test>',
  '<>',
  '<moved@example.test>',
  '<err@error.test>',
];

/** Parameters that define whom the server is for. */
export const classes: Readonly<Record<string, string>> = {
  mydestination: 'mx.access.test, localhost',
  local_recipient_maps: 'inline:{{root=x},{ann=x}}',
  virtual_mailbox_domains: 'example.test, error.test',
  virtual_mailbox_maps:
    'inline:{{ann@example.test=x},{bob@example.test=x},{postmaster@example.test=x},{@error.test=x}}',
  virtual_alias_domains: 'list.test',
  virtual_alias_maps: 'inline:{{ann@list.test=ann@example.test},{all@list.test=ann@example.test}}',
  relay_domains: 'relay.test',
  relay_recipient_maps: 'inline:{{u@relay.test=x},{rel@relay.test=x}}',
  relocated_maps: 'inline:{{moved@example.test=elsewhere.test}}',
  transport_maps: 'inline:{{error.test={error:5.1.2 no such place}}}',
};
