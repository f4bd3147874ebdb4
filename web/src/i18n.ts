// The page's words. English is what stands in the code; a catalogue for each other language holds its translation under
// the English text (scripts check that none is missing). The language is the browser's until somebody chooses one.

import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';
import { shownNames } from './parts/shown-name.ts';

export const languages = { en: 'English', de: 'Deutsch', fr: 'Français', ru: 'Русский', zh: '中文' } as const;
export type Language = keyof typeof languages;

const storageKey = 'posthaste.language';
/** Fetched when it is spoken: nobody reads five languages. */
const catalogues: Record<Exclude<Language, 'en'>, () => Promise<{ default: Record<string, string> }>> = {
  de: () => import('./locales/de.json'),
  fr: () => import('./locales/fr.json'),
  ru: () => import('./locales/ru.json'),
  zh: () => import('./locales/zh.json'),
};

/** What the English in the code says of many, said of one. The catalogues' words fit any number. */
const ofOne = {
  '{{number}} listen': '{{number}} listens',
  '{{messages}} wait, the oldest came {{oldest}}': '{{messages}} waits, it came {{oldest}}',
  '{{number}} recipients accepted, each accounted for': '{{number}} recipient accepted, and accounted for',
  'books and queue are {{number}} recipients apart': 'books and queue are {{number}} recipient apart',
  'it has gaps: {{number}} lines are missing': 'it has a gap: {{number}} line is missing',
  'was moved by {{number}} seconds': 'was moved by {{number}} second',
  'Passwords were made for {{number}} mailboxes. Save them now: nobody can see them again.':
    'A password was made for {{number}} mailbox. Save it now: nobody can see it again.',
  '{{count}} mailboxes without aliases': '{{count}} mailbox without aliases',
  '{{count}} addresses, same targets': '{{count}} address, same targets',
  '{{count}} aliases of mailboxes here': '{{count}} alias of mailboxes here',
  '{{count}} targets of these': '{{count}} target of these',
};

export async function startLanguage(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: 'en',
    fallbackLng: 'en',
    resources: {
      en: { translation: Object.fromEntries(Object.entries(ofOne).map(([many, one]) => [`${many}_one`, one])) },
    },
    // The English text is the key: dots and colons in it mean nothing.
    keySeparator: false,
    nsSeparator: false,
    returnEmptyString: false,
    // React escapes what it shows. Names within a sentence are read as they are elsewhere on the page.
    interpolation: { escape: shownNames },
  });
  await speak(preferred());
}

export async function speak(language: Language, isChosen = false): Promise<void> {
  if (language !== 'en' && !i18next.hasResourceBundle(language, 'translation')) {
    const { default: texts } = await catalogues[language]();
    i18next.addResourceBundle(language, 'translation', texts);
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
  if (isChosen) localStorage.setItem(storageKey, language);
}

/** For numbers and times: of the browser's languages the first that is spoken here, with its region; en-GB is not en-US. */
export function region(): string {
  const { language } = i18next;
  return (
    navigator.languages.find(
      (tag) => /^[a-z]{2}(?:-[a-z\d]+)*$/i.test(tag) && tag.slice(0, 2).toLowerCase() === language,
    ) ?? language
  );
}

function preferred(): Language {
  const wanted = [localStorage.getItem(storageKey) ?? '', ...navigator.languages];
  for (const tag of wanted) {
    const language = tag.slice(0, 2).toLowerCase();
    if (language in languages) return language as Language;
  }
  return 'en';
}
