// What counts only after a restart, as the server says it (main/needs-restart.ts), in the page's words.

import { useTranslation } from 'react-i18next';

export function useRestartWords(): (text: string) => string {
  const { t } = useTranslation();
  return (text) => {
    const [, service, address, what] = /^(.+) on (\S+) needs a restart to be (opened|closed)$/.exec(text) ?? [];
    if (what === 'opened') return t('{{service}} on {{address}} needs a restart to be opened', { service, address });
    if (what === 'closed') return t('{{service}} on {{address}} needs a restart to be closed', { service, address });
    const [, name] = /^(\S+) has changed: that needs a restart$/.exec(text) ?? [];
    return name === undefined ? text : t('{{name}} has changed: that needs a restart', { name });
  };
}
