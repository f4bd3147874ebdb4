// Messages for comparing MIME analyses: the forms that mailers write and some that they should not, and random ones.

const head =
  'From: A B <a@b.example>\nTo: c@d.example\nSubject: s\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <1@x>\nMIME-Version: 1.0\n';

/** Header lines after `head`, and a body. */
const structures: readonly (readonly [header: string, body: string])[] = [
  ['', 'body\n'],
  ['', 'no newline at end'],
  ['Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n', 'a=20b\nc'],
  ['Content-Type: TEXT/HTML; Charset="UTF-8"; format=flowed\nContent-Transfer-Encoding: BASE64\n', 'YQ==\n'],
  [
    'Content-Type: application/pdf; name="a b.pdf"\nContent-Disposition: attachment; filename="a \\"b\\".pdf"; size=10\nContent-ID: <x@y>\nContent-Description: some desc\nContent-MD5: abc==\nContent-Language: en, de\nContent-Location: http://x/y\n',
    'body\n',
  ],
  [
    'Content-Type: multipart/mixed; boundary=q\n',
    'pre\n--q\n\nhello\n--q\nContent-Type: text/html\n\n<b>x</b>\n\n--q--\nepi\n',
  ],
  ['Content-Type: multipart/mixed; boundary=q\n', '--q\n\nhello\n--q\nContent-Type: text/html\n\n<b>x</b>\n'],
  ['Content-Type: multipart/mixed; boundary=q\n', '--q\n\nhello\n--q--'],
  ['Content-Type: multipart/mixed; boundary=q\n', '--q--\n'],
  ['Content-Type: multipart/mixed; boundary=q\n', 'nothing\n'],
  ['Content-Type: multipart/mixed\n', 'nothing\n--q\n\nx\n'],
  [
    'Content-Type: multipart/digest; boundary=q\n',
    '--q\n\nSubject: in1\nFrom: z@z\n\nb1\n--q\nContent-Type: text/plain\n\nplain\n--q--\n',
  ],
  ['Content-Type: message/rfc822\n', 'Subject: in\nTo: x@y\n\nb\nb2\n'],
  [
    'Content-Type: multipart/mixed; boundary="a"\n',
    '--a\nContent-Type: multipart/alternative; boundary="ab"\n\n--ab\n\none\n--ab\nContent-Type: text/html\n\ntwo\n--ab--\n\n--a\nContent-Type: message/rfc822\nContent-Disposition: inline\n\nFrom: in@ner\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\nthree\n--c--\n--a--\n',
  ],
  ["Content-Type: application/x; name*0*=utf-8''aa%20; name*1*=bb\n", 'x'],
  [
    "Content-Type: application/x; name*0=aa; name*1=bb; name*2*=cc%20\nContent-Disposition: attachment; filename*=utf-8''%e2%82%ac.txt\n",
    'x',
  ],
  ['Content-Type: application/x (comment); name=x (c)\n', 'x'],
  ['Content-Disposition: attachment\n', 'x'],
  ['Content-Type: text/plain; name="\u00e9\\\\x"\n', 'x'],
  ['Content-Type: multipart/mixed; boundary="q "\n', '--q\n\nx\n--q--\n'],
  ['Content-Type: multipart/mixed; boundary=q\n', '--q\nContent-Type: text/plain\n--q\n\nx\n--q--\n'],
  ['Content-Type: multipart/mixed; boundary=q\n', '--q\n--q\n--q--\n'],
  ['Content-Type: multipart/mixed; boundary=q\n', '--q \n\nx\n--qq\n\ny\n--q-- \n'],
  ['Content-Type: multipart/mixed; boundary=q\n', '--q\n\nx\n--q--\n--q\n\ny\n'],
  ['Content-Type: message/delivery-status\n', 'A: b\n\nC: d\n'],
  ['Content-Type: MESSAGE/RFC822\nContent-Transfer-Encoding: base64\n', 'Subject: x\n\ny\n'],
  ['Content-Type: image/png\nContent-Transfer-Encoding:\n', 'x'],
  ['Content-Type: message/rfc822\n', ''],
  ['Content-Type: message/rfc822\n', 'Subject: only\n'],
];

const addresses = [
  'a@b',
  '<a@b>',
  'A <a@b>',
  '"A, B" <a@b>',
  'A B C <a@b>',
  '"A" "B" <a@b>',
  'A. B <a@b>',
  'a@b (Name)',
  '(c) a@b',
  'a',
  'a b',
  'a b@c',
  'A <a>',
  'g:;',
  'g: a@b;',
  'g: a@b, c@d; , e@f',
  '"g h": a@b;',
  'undisclosed-recipients:;',
  '<@x,@y:a@b>',
  '"a b"@c',
  'a@[1.2.3.4]',
  '=?utf-8?q?x?= <a@b>',
  '\u00e9 <a@b>',
  '"a\\"b" <a@b>',
  'A <a@b> <c@d>',
  'A\n B <a@b>',
  'A\n\tB <a@b>',
  '<a@b@c>',
  '<a b@c>',
  '"" <a@b>',
  'A_B <a@b>',
  "O'X <a@b>",
  'a%b@c',
  'a,b,c',
  '"a@b" <c@d>',
];

const headers = [
  'Subject: a\n b\n',
  'Subject: a\n\tb\n',
  'Subject:   x  \n',
  'Subject:\n',
  'Subject: a  b\n',
  'Subject: \u00e9\n',
  'Subject: "q" \\\n',
  'Subject : x\n',
  'Date: a\n b\nMessage-ID:  <a>\n',
  'From: a@b\nFrom: c@d\nTo: e@f\nTo: g@h\nSubject: 1\nSubject: 2\n',
  'Sender: x@y\nFrom: a@b\nReply-To: r@s\n',
  'Sender: \nFrom: a@b\nReply-To:\n',
  'In-Reply-To: <a> <b>\n',
  'garbage line\nSubject: x\n',
  `To: ${Array.from({ length: 300 }, (_, index) => `u${index}@example.com`).join(',\n ')}\n`,
];

/** Every message with CRLF line ends, a character an octet. */
export function mimeCorpus(randomCount: number, random: () => number): string[] {
  const messages = [
    ...structures.map(([header, body]) => `${head}${header}\n${body}`),
    ...addresses.map((address) => `From: ${address}\nTo: ${address}\n\nbody\n`),
    ...headers.map((header) => `${header}\nbody\n`),
    ...Array.from({ length: randomCount }, () => head + randomEntity(random, 0)),
  ];
  return messages.map((message) => message.replaceAll('\n', '\r\n'));
}

function randomEntity(random: () => number, depth: number): string {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)] as Item;
  const extra = extraFields.filter(() => random() < 0.2).join('');
  const kind = random();
  if (depth < 4 && kind < 0.4) {
    const boundary = pick(['b', 'bb', `b${depth}`, '=_x']);
    const parts = Array.from({ length: Math.floor(random() * 4) }, () => {
      const part = randomEntity(random, depth + 1);
      return `--${boundary}\n${part}${random() < 0.9 ? '\n' : ''}`;
    });
    const type = pick(['mixed', 'alternative', 'digest', 'MIXED']);
    const closing = random() < 0.8 ? `--${boundary}--\n` : '';
    return `Content-Type: multipart/${type}; boundary="${boundary}"\n${extra}\n${pick(['', 'preamble\n', '\n'])}${parts.join('')}${closing}${pick(['', 'epilogue\n', '\n'])}`;
  }
  if (depth < 4 && kind < 0.55)
    return `Content-Type: message/rfc822\n${extra}\n${head}${randomEntity(random, depth + 1)}`;
  const lines = Array.from({ length: Math.floor(random() * 6) }, () => pick(bodyLines));
  return `${pick(leafTypes)}${extra}${pick(['\n', '\n', '\n', ''])}${lines.join('')}`;
}

const extraFields = [
  'Content-ID: <i@j>\n',
  'Content-Description: d e\n',
  'Content-Disposition: inline; filename=f.txt\n',
  'Content-Language: en\n',
  'Content-Location: loc\n',
  'Content-MD5: Q2hlY2s=\n',
  'X-Foo: bar\n',
];

const bodyLines = ['line\n', '\n', '--x\n', '--\n', 'longer line here with words\n', 'nolf'];

const leafTypes = [
  '',
  'Content-Type: text/plain\n',
  'Content-Type: text/html; charset=utf-8\n',
  'Content-Type: image/png; name=x.png\nContent-Transfer-Encoding: base64\n',
];
