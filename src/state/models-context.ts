/** The model library bound to React. */

import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import { DEFAULT_SETTINGS, PROMPTED_SETTINGS, type Settings } from '../../workers/plan/settings.ts';
import type { Models, ModelsState } from './models.ts';

export const ModelsContext = createContext<Models | null>(null);

/** @throws Error outside of a provider. */
export function useModels(): Models {
  const models = useContext(ModelsContext);
  if (models === null) throw new Error('useModels needs a ModelsContext above it');
  return models;
}

export function useModelsState<T>(select: (state: ModelsState) => T): T {
  return useStore(useModels().store, select);
}

/** What changes in the settings with a model: its name and what it is made for. */
export function settingsOfModel(model: string, prompted: boolean): Partial<Settings> {
  const { strength, steps, stepPlan, solver, guidance, deflicker } = prompted ? PROMPTED_SETTINGS : DEFAULT_SETTINGS;
  return { model, strength, steps, stepPlan, solver, guidance, deflicker };
}
