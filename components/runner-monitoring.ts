import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { alertRules } from "./monitoring/alert-rules.ts";
import { dashboard, dashboardFile } from "./monitoring/dashboard.ts";

/** Inputs of {@link RunnerMonitoring}. */
export interface RunnerMonitoringArgs {
  /** Name of the Helm release; also the name of the manager's container and the value of its pods' label `app`. */
  readonly release: pulumi.Input<string>;
  /** Namespace of the manager. */
  readonly namespace: pulumi.Input<string>;
  /** Namespace of the job pods. */
  readonly jobNamespace: pulumi.Input<string>;
  /** Seconds between two requests for jobs. */
  readonly checkInterval: pulumi.Input<number>;
  /** Create a PrometheusRule; requires the Prometheus Operator in the cluster. A plain value, since a resource depends on it. @defaultValue false */
  readonly alerts?: boolean;
  /** Create a ConfigMap with a dashboard. A plain value, since a resource depends on it. @defaultValue false */
  readonly dashboard?: boolean;
  /** Labels of the PrometheusRule, by which the Prometheus Operator selects it. @defaultValue none */
  readonly labels?: pulumi.Input<Record<string, pulumi.Input<string>>>;
}

/**
 * Alerts for Prometheus and a dashboard for Grafana, based on the manager's metrics. Both expect the labels `namespace`,
 * `pod` and `container` on the metrics, which Prometheus adds to all targets of a PodMonitor.
 */
export class RunnerMonitoring extends pulumi.ComponentResource {
  /** Name of the PrometheusRule; undefined without alerts. */
  readonly alertRules: pulumi.Output<string> | undefined;
  /** Name of the ConfigMap with the dashboard; undefined without one. */
  readonly dashboard: pulumi.Output<string> | undefined;

  constructor(name: string, args: RunnerMonitoringArgs, opts?: pulumi.ComponentResourceOptions) {
    super("gitlab-runner:index:RunnerMonitoring", name, args, opts);
    const { release, namespace, jobNamespace, checkInterval } = args;
    const runner = pulumi.output({ release, namespace, jobNamespace, checkInterval });

    if (args.alerts === true) {
      const rules = new k8s.apiextensions.CustomResource(
        `${name}-alerts`,
        {
          apiVersion: "monitoring.coreos.com/v1",
          kind: "PrometheusRule",
          metadata: { name: release, namespace, labels: args.labels },
          spec: runner.apply(alertRules),
        },
        { parent: this },
      );
      this.alertRules = rules.metadata.name;
    }
    if (args.dashboard === true) {
      const configMap = new k8s.core.v1.ConfigMap(
        `${name}-dashboard`,
        {
          metadata: {
            name: pulumi.interpolate`${release}-dashboard`,
            namespace,
            // The label that the sidecar of Grafana's chart looks for: https://github.com/grafana-community/helm-charts/tree/main/charts/grafana#sidecar-for-dashboards
            labels: { grafana_dashboard: "1" },
          },
          data: runner.apply((monitored) => ({
            [dashboardFile(monitored)]: JSON.stringify(dashboard(monitored), undefined, 2),
          })),
        },
        { parent: this },
      );
      this.dashboard = configMap.metadata.name;
    }
    this.registerOutputs({ alertRules: this.alertRules, dashboard: this.dashboard });
  }
}
