// What folders of a source are called here: levels joined by `/`, the INBOX in capitals, without characters that clients
// cannot name; and what a folder is for, by the names that clients of many makers and languages give theirs.

import type { NotTaken } from './types.ts';

const maxNameBytes = 255;
const maxLevels = 20;

export class FolderNames {
  readonly #taken = new Set<string>();
  readonly #notTaken: NotTaken[];
  readonly #below: string;

  /** `below`: every folder of the source goes under this one; '' for none. */
  constructor(notTaken: NotTaken[], below = '') {
    this.#notTaken = notTaken;
    this.#below = below;
  }

  /** The name of the next folder of the source; one that is taken gets a number. */
  take(levels: readonly string[]): string {
    const wished = this.nameOf(levels);
    let name = wished;
    for (let number = 2; this.#taken.has(name); number++) name = `${wished} (${number})`;
    this.#taken.add(name);
    const plain = levels.length === 0 ? 'INBOX' : levels.join('/');
    const expected = this.#below === '' ? plain : plain === 'INBOX' ? this.#below : `${this.#below}/${plain}`;
    if (name !== expected && name !== expected.replace(/^inbox(?=\/|$)/i, 'INBOX')) {
      this.#notTaken.push({
        what: `folder name ${JSON.stringify(levels.join(' > '))}`,
        why: `it is called ${JSON.stringify(name)} here`,
        isMail: false,
      });
    }
    return name;
  }

  nameOf(levels: readonly string[]): string {
    const inbox = levels.length === 0 || (levels.length === 1 && levels[0]?.toUpperCase() === 'INBOX');
    if (inbox) return this.#below === '' ? 'INBOX' : this.#below;
    const clean = levels.map(cleanLevel).slice(0, maxLevels);
    if (clean[0]?.toUpperCase() === 'INBOX') clean[0] = 'INBOX';
    let name = [...(this.#below === '' ? [] : [this.#below]), ...clean].join('/');
    while (Buffer.byteLength(name) > maxNameBytes) name = name.slice(0, -1);
    return name.replace(/[/\ud800-\udbff]+$/, '');
  }
}

function cleanLevel(level: string): string {
  const clean = level.toWellFormed().replaceAll(/[/*%\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]/g, '_');
  return clean === '' ? '_' : clean;
}

const usesByName: Readonly<Record<string, readonly string[]>> = {
  '\\Sent': [
    'sent',
    'sent items',
    'sent messages',
    'sent mail',
    'gesendet',
    'gesendete objekte',
    'gesendete elemente',
    'envoyés',
    'messages envoyés',
    'éléments envoyés',
    'enviados',
    'elementos enviados',
    'inviata',
    'posta inviata',
    'verzonden',
    'verzonden items',
    'wysłane',
    'отправленные',
    'skickat',
    'skickade objekt',
  ],
  '\\Drafts': [
    'drafts',
    'draft',
    'entwürfe',
    'brouillons',
    'borradores',
    'rascunhos',
    'bozze',
    'concepten',
    'kopie robocze',
    'черновики',
    'utkast',
  ],
  '\\Trash': [
    'trash',
    'deleted items',
    'deleted messages',
    'bin',
    'papierkorb',
    'gelöschte objekte',
    'gelöschte elemente',
    'corbeille',
    'éléments supprimés',
    'papelera',
    'elementos eliminados',
    'lixeira',
    'cestino',
    'posta eliminata',
    'prullenbak',
    'verwijderde items',
    'kosz',
    'корзина',
    'papperskorgen',
  ],
  '\\Junk': [
    'junk',
    'spam',
    'junk e-mail',
    'junk email',
    'junk mail',
    'bulk mail',
    'junk-e-mail',
    'courrier indésirable',
    'indésirables',
    'correo no deseado',
    'posta indesiderata',
    'ongewenste e-mail',
    'spamverdacht',
    'спам',
    'skräppost',
  ],
  '\\Archive': ['archive', 'archives', 'archiv', 'archivo', 'archivio', 'archief', 'arquivo', 'архив', 'arkiv'],
};

/** One folder a use: what the source says, else the first whose name says it. */
export function findSpecialUses(
  folders: readonly { readonly levels: readonly string[]; readonly specialUse?: string | undefined }[],
): ReadonlyMap<(typeof folders)[number], string> {
  const found = new Map<(typeof folders)[number], string>();
  for (const [use, names] of Object.entries(usesByName)) {
    const said = folders.find(({ specialUse }) => specialUse === use);
    // English names first, and of a name the folder that stands highest.
    const named = names.flatMap((name) =>
      folders.filter((folder) => !found.has(folder) && lastName(folder.levels) === name),
    );
    const chosen = said ?? named[0];
    if (chosen !== undefined) found.set(chosen, use);
  }
  return found;
}

/** Only at the top, or below INBOX: `Work/Sent` is somebody's own order. */
function lastName(levels: readonly string[]): string | undefined {
  const own = levels[0]?.toUpperCase() === 'INBOX' ? levels.slice(1) : levels;
  return own.length === 1 ? own[0]?.toLowerCase() : undefined;
}
