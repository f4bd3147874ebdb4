// Where one is in a sequence of steps.

import { useTranslation } from 'react-i18next';
import { Icon } from './icon.tsx';

interface StepsProps {
  readonly label: string;
  readonly steps: readonly string[];
  /** Beginning with 0. */
  readonly at: number;
}

export function Steps({ label, steps, at }: StepsProps) {
  const { t } = useTranslation();
  return (
    <ol className="plain-list steps" aria-label={label}>
      {steps.map((name, index) => (
        <li key={name} aria-current={index === at ? 'step' : undefined} data-done={index < at}>
          <span className="step-mark" aria-hidden>
            {index < at ? <Icon name="done" size={14} /> : index + 1}
          </span>
          <span className="step-name">
            {name}
            {index < at ? <span className="visually-hidden"> ({t('done')})</span> : null}
          </span>
        </li>
      ))}
    </ol>
  );
}
