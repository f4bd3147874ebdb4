// Begun.

import { Empty } from '../parts/states.tsx';

export function SettingsView() {
  return <Empty title="SettingsView" />;
}
