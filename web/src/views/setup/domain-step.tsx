// Step 3: the first domain and its first mailbox.

import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useCall } from '../../api.ts';
import { Failed, Loading } from '../../parts/states.tsx';
import { DomainForm, type Made } from './domain-form.tsx';
import { DomainMade } from './domain-made.tsx';
import { StepHead } from './step-head.tsx';

const route = getRouteApi('/setup');

export function DomainStep() {
  const { t } = useTranslation();
  const { mailbox } = route.useSearch();
  const navigate = route.useNavigate();
  const [made, setMade] = useState<Made>();
  // Somebody may have been here before, and gone away in the middle.
  const domains = useCall('domain.list', { limit: 1 }, { enabled: mailbox === undefined });
  if (mailbox !== undefined) {
    return (
      <>
        <StepHead title={t('{{address}} is ready', { address: mailbox })}>
          {t('What others must know of the domain stands in the DNS, which somebody else keeps for you.')}
        </StepHead>
        <DomainMade mailbox={mailbox} made={made?.mailbox === mailbox ? made : undefined} />
      </>
    );
  }
  return (
    <>
      <StepHead title={t('The first domain and mailbox')}>
        {t('For whom shall this host take mail? More can be added at any time.')}
      </StepHead>
      {domains.isPending ? <Loading /> : null}
      {domains.error === null ? null : <Failed error={domains.error} onRetry={() => void domains.refetch()} />}
      {domains.data === undefined ? null : (
        <DomainForm
          domain={domains.data.items[0]?.name ?? ''}
          onMade={(all) => {
            setMade(all);
            void navigate({ search: { step: 'domain', mailbox: all.mailbox } });
          }}
        />
      )}
    </>
  );
}
