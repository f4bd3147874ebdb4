// Begun.

import { Empty } from '../parts/states.tsx';

export function AdministratorsView() {
  return <Empty title="AdministratorsView" />;
}
