import type { ChartSettings, ManagerSettings } from "../settings.ts";

/**
 * The chart's values for the labels of its PodMonitor.
 * @returns nothing without labels, so that further values of the chart may have some
 */
export function podMonitorValues({
  monitoringLabels,
}: Pick<ManagerSettings, "monitoringLabels">): ChartSettings["values"] {
  return Object.keys(monitoringLabels).length === 0 ? {} : { metrics: { podMonitor: { labels: monitoringLabels } } };
}
