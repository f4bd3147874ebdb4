// How changes of transports, BCCs, access rules, recipients of relay domains, decisions of catch-alls and tags are undone.

import type { AccessRuleInfo } from './access-rules.ts';
import type { BccInfo } from './bccs.ts';
import type { CaughtAddress } from './catch-alls.ts';
import type { DirectoryView } from './directory-view.ts';
import type { DirectoryEvent } from './events.ts';
import type { TaggedKind } from './schema.ts';
import type { TransportInfo } from './transports.ts';
import type { Undo } from './undo.ts';

/** As events have it: what was there, or else what is. */
function subject<Info>({ before, after }: DirectoryEvent): Info {
  return (after ?? before) as Info;
}

const transport: Undo = {
  current: (directory, { object }) => directory.transports.show(object),
  takeAway: (directory, { object }) => directory.transports.remove(object),
  bringBack: async (directory, { object, before }) => {
    // What it takes was allowed when it was made.
    await directory.transports.add(object, (before as TransportInfo).transport, { takesMailboxes: true });
    return undefined;
  },
  setBack: async (directory, { object, before }) => {
    await directory.transports.set(object, (before as TransportInfo).transport);
    return undefined;
  },
};

const bcc: Undo = {
  current: async (directory, event) => {
    const { side, place } = subject<BccInfo>(event);
    return await directory.bccs.show(side, place);
  },
  takeAway: async (directory, event) => {
    const { side, place } = subject<BccInfo>(event);
    await directory.bccs.remove(side, place);
  },
  bringBack: async (directory, { before }) => {
    const { side, place, address } = before as BccInfo;
    await directory.bccs.add(side, place, address);
    return undefined;
  },
  setBack: async (directory, { before }) => {
    const { side, place, address } = before as BccInfo;
    await directory.bccs.set(side, place, address);
    return undefined;
  },
};

/** Restriction classes of the configuration were looked at when the rule was made. */
function rule({ action, note }: AccessRuleInfo) {
  return { action, note, classes: action.split(/[\s,]+/) };
}

const access: Undo = {
  current: async (directory, event) => {
    const { stage, pattern } = subject<AccessRuleInfo>(event);
    return await directory.accessRules.find(stage, pattern);
  },
  takeAway: async (directory, event) => {
    const { stage, pattern } = subject<AccessRuleInfo>(event);
    await directory.accessRules.remove(stage, pattern);
  },
  bringBack: async (directory, { before }) => {
    const info = before as AccessRuleInfo;
    await directory.accessRules.add(info.stage, info.pattern, rule(info));
    return undefined;
  },
  setBack: async (directory, { before }) => {
    const info = before as AccessRuleInfo;
    await directory.accessRules.set(info.stage, info.pattern, rule(info));
    return undefined;
  },
};

const relayRecipient: Undo = {
  current: (directory, { object }) => directory.relayRecipients.show(object),
  takeAway: (directory, { object }) => directory.relayRecipients.remove([object]),
  bringBack: async (directory, { object }) => {
    await directory.relayRecipients.add([object]);
    return undefined;
  },
  setBack: async () => undefined,
};

async function decide(directory: DirectoryView, { before }: DirectoryEvent): Promise<string | undefined> {
  const { address, state } = before as CaughtAddress;
  if (state === 'accepted') await directory.catchAlls.accept([address]);
  else if (state === 'refused') await directory.catchAlls.refuse([address]);
  // It was only proposed: it will be again when the next mail for it comes.
  else if ((await directory.catchAlls.find(address)) !== undefined) await directory.catchAlls.forget([address]);
  return undefined;
}

const catchAll: Undo = {
  current: (directory, { object }) => directory.catchAlls.find(object),
  takeAway: (directory, { object }) => directory.catchAlls.forget([object]),
  bringBack: decide,
  setBack: decide,
};

interface Tagged {
  readonly kind: TaggedKind;
  readonly object: string;
  readonly tags: readonly string[];
}

async function putTags(directory: DirectoryView, event: DirectoryEvent): Promise<undefined> {
  const { kind, object } = subject<Tagged>(event);
  const [was, is] = [event.before, event.after].map((one) => (one as Tagged | null)?.tags ?? []);
  await directory.tags.change(
    kind,
    object,
    was ?? [],
    (is ?? []).filter((one) => was?.includes(one) !== true),
  );
}

const tag: Undo = {
  current: async (directory, event) => {
    const { kind, object } = subject<Tagged>(event);
    const tags = await directory.tags.find(kind, object);
    return tags === undefined || tags.length === 0 ? undefined : { kind, object, tags };
  },
  takeAway: putTags,
  bringBack: putTags,
  setBack: putTags,
};

export const placeUndoKinds: Readonly<Record<string, Undo>> = {
  transport,
  bcc,
  access,
  'relay-recipient': relayRecipient,
  'catch-all': catchAll,
  tag,
};
