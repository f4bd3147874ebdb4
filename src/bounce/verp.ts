// Variable envelope return path (VERP_README): every recipient gets mail from a sender address of its own,
// `owner+user=domain@host`, so that even the barest bounce tells whom it is about.

/** The sender for mail to one recipient. A sender without a domain gets none. */
export function verpSender(
  sender: string,
  delimiters: string,
  { original, recipient }: { readonly original: string; readonly recipient: string },
): string {
  const address = original === '' ? recipient : original;
  const at = sender.lastIndexOf('@');
  const [local, host] = at === -1 ? [sender, ''] : [sender.slice(0, at), sender.slice(at)];
  const separator = address.lastIndexOf('@');
  const encoded =
    separator === -1 ? address : `${address.slice(0, separator)}${delimiters.charAt(1)}${address.slice(separator + 1)}`;
  return `${local}${delimiters.charAt(0)}${encoded}${host}`;
}
