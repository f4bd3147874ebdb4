// Who made a change, as a person is called: `api:anna#3` is anna, by one of her tokens.

import { useTranslation } from 'react-i18next';

/** Whoever has a link that is good once has not logged in yet: the first administrator, and who has forgotten a password. */
export const byLink = 'api:';

export function useActorName(): (actor: string) => string {
  const { t } = useTranslation();
  return (actor) => {
    if (actor === "the host's administrator") return t("the host's administrator");
    if (actor === byLink) return t('by a link that is good once');
    const [, login = '', token] = /^api:(.*?)(?:#(\d+))?$/.exec(actor) ?? [];
    if (login === '') return t('{{name}}, on the host itself', { name: actor });
    return token === undefined ? login : t('{{name}}, by a token ({{token}})', { name: login, token });
  };
}
