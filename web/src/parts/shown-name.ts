// Internationalised domain names as people read them: xn--mller-kva.example is müller.example. What could be taken for
// another name stays as it is: a label is shown that is of one script (UTS 39, section 5; Japanese and Korean have several), not
// one in Cyrillic or Greek whose letters all look like Latin ones, and none that the browser writes in another way.
// What is typed, copied and sent is never changed by this.

/** Latin letters that have no accent to be taken off; those that are missing look like others, as the dotless i. */
const latin = /^(?:[a-z\d-]|[ßæœøđłħþðŋ])+$/u;
const alone =
  'Arabic Armenian Bengali Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Hebrew Kannada Khmer Lao Malayalam Myanmar Sinhala Tamil Telugu Thai'
    .split(' ')
    .map((script) => `\\p{scx=${script}}`);
const together = ['\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}', '\\p{scx=Han}\\p{scx=Hang}'];
const ofOneScript = [...alone, ...together].map((set) => new RegExp(`^[${set}\\d-]+$`, 'u'));
const likeLatin = /^[асԁеһіјӏорԗԛѕԝхуъьҽпгѵѡαγεικνορτυωχϲ\d-]+$/u;

/** In any text: an address, a name, a sentence with some. */
export function shownNames(text: string): string {
  return text.includes('xn--') || text.includes('XN--')
    ? text.replaceAll(/(?<![\w.-])[\w.-]*xn--[\w.-]*/gi, (name) => {
        const labels = name.split('.');
        // Under a top-level domain of its own script a name is expected in it, whatever it looks like.
        const isAtHome = /^xn--/i.test(labels.findLast((label) => label !== '') ?? '');
        return labels.map((label) => shownLabel(label, isAtHome && labels.length > 1)).join('.');
      })
    : text;
}

function shownLabel(label: string, isAtHome: boolean): string {
  if (!/^xn--/i.test(label)) return label;
  const shown = decode(label.slice(4).toLowerCase());
  if (shown === undefined || (likeLatin.test(shown) && !isAtHome)) return label;
  return isOfOneScript(shown) && isOf(shown, label) ? shown : label;
}

function isOfOneScript(label: string): boolean {
  if (!/^[\p{L}\p{M}\d-]+$/u.test(label)) return false;
  const plain = label.normalize('NFD').replaceAll(/[\u0300-\u036f]/g, '');
  // An accent that makes no letter of its own may be laid over another and not be seen.
  const isPrecomposed = !/[\u0300-\u036f]/.test(label);
  return isPrecomposed && (latin.test(plain) || ofOneScript.some((set) => set.test(label)));
}

/** The browser knows IDNA (UTS 46): what it would not write like this is not shown like this. */
function isOf(shown: string, label: string): boolean {
  const url = `http://${shown}.test/`;
  return URL.canParse(url) && new URL(url).hostname === `${label.toLowerCase()}.test`;
}

/** Punycode (RFC 3492, section 6.2); undefined where it is none. */
function decode(text: string): string | undefined {
  const end = text.lastIndexOf('-');
  const points = Array.from(text.slice(0, Math.max(0, end)), (one) => one.charCodeAt(0));
  let at = end + 1;
  let point = 128;
  let bias = 72;
  for (let index = 0; at < text.length; index++) {
    const before = index;
    let weight = 1;
    for (let k = 36; ; k += 36) {
      const digit = 'abcdefghijklmnopqrstuvwxyz0123456789'.indexOf(text.charAt(at++) || ' ');
      if (digit < 0) return undefined;
      index += digit * weight;
      const threshold = Math.min(26, Math.max(1, k - bias));
      if (digit < threshold) break;
      weight *= 36 - threshold;
    }
    const count = points.length + 1;
    bias = adapted(index - before, count, before === 0);
    point += Math.floor(index / count);
    if (point > 0x10_ff_ff) return undefined;
    index %= count;
    points.splice(index, 0, point);
  }
  return String.fromCodePoint(...points);
}

function adapted(difference: number, count: number, isFirst: boolean): number {
  let delta = Math.floor(difference / (isFirst ? 700 : 2));
  delta += Math.floor(delta / count);
  let k = 0;
  for (; delta > 455; k += 36) delta = Math.floor(delta / 35);
  return k + Math.floor((36 * delta) / (delta + 38));
}
