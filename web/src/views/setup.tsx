// Begun.

import { Empty } from '../parts/states.tsx';

export function SetupView() {
  return <Empty title="SetupView" />;
}
