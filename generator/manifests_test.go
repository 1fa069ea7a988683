package generator_test

import (
	"bytes"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/msgen-dev/msgen/schema"
)

// kustomization is what the generated kustomizations use of kustomize.config.k8s.io/v1beta1.
type kustomization struct {
	metav1.TypeMeta `json:",inline"`

	Namespace          string   `json:"namespace"`
	Resources          []string `json:"resources"`
	ConfigMapGenerator []struct {
		Name     string   `json:"name"`
		Behavior string   `json:"behavior"`
		Envs     []string `json:"envs"`
		Literals []string `json:"literals"`
	} `json:"configMapGenerator"`
	Images []struct {
		Name    string `json:"name"`
		NewName string `json:"newName"`
		NewTag  string `json:"newTag"`
	} `json:"images"`
}

// TestEveryManifestIsTyped reads all documents below deploy/k8s into the types of the Kubernetes API, strictly. A kind that is not in this list
// has no test of its hardening, and must not be generated before it has one: a Job or a Pod could run as root, a Role could grant what no pod needs.
func TestEveryManifestIsTyped(t *testing.T) {
	kinds := map[metav1.TypeMeta]any{
		{APIVersion: "v1", Kind: "Namespace"}:                                  corev1.Namespace{},
		{APIVersion: "v1", Kind: "ServiceAccount"}:                             corev1.ServiceAccount{},
		{APIVersion: "v1", Kind: "Service"}:                                    corev1.Service{},
		{APIVersion: "apps/v1", Kind: "Deployment"}:                            appsv1.Deployment{},
		{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"}:        autoscalingv2.HorizontalPodAutoscaler{},
		{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"}:                 policyv1.PodDisruptionBudget{},
		{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}:            networkingv1.NetworkPolicy{},
		{APIVersion: "kustomize.config.k8s.io/v1beta1", Kind: "Kustomization"}: kustomization{},
		{APIVersion: "external-secrets.io/v1", Kind: "ExternalSecret"}:         externalSecret{},
		{APIVersion: "cert-manager.io/v1", Kind: "Certificate"}:                certificate{},
		{APIVersion: "cert-manager.io/v1", Kind: "Issuer"}:                     issuer{},
	}
	for _, name := range examples {
		spec := example(t, name)
		found := map[metav1.TypeMeta]int{}
		for file, content := range system(t, spec) {
			if !strings.HasPrefix(file, "deploy/k8s/") || path.Ext(file) != ".yaml" {
				continue
			}
			for _, doc := range bytes.Split(content, []byte("\n---\n")) {
				var meta metav1.TypeMeta
				if err := yaml.Unmarshal(doc, &meta); err != nil {
					t.Errorf("%s: %s: %v", name, file, err)
					continue
				}
				found[meta]++
				kind, ok := kinds[meta]
				if !ok {
					t.Errorf("%s: %s: %s %s is not known here", name, file, meta.APIVersion, meta.Kind)
					continue
				}
				into := reflect.New(reflect.TypeOf(kind)).Interface()
				if err := yaml.UnmarshalStrict(doc, into); err != nil {
					t.Errorf("%s: %s: %v", name, file, err)
				}
				if o, ok := into.(metav1.Object); ok && (o.GetName() == "" || o.GetNamespace() != "") {
					t.Errorf("%s: %s: a %s without a name, or in a namespace of its own: %q %q", name, file, meta.Kind, o.GetName(), o.GetNamespace())
				}
			}
		}
		each := len(pods(spec))
		_, callees := edges(spec)
		for meta := range kinds {
			want := each
			switch meta.Kind {
			case "Namespace":
				want = 1
			case "NetworkPolicy":
				want = each + 1 // the one that denies everything
			case "Kustomization":
				want = 3
			case "Certificate":
				want = each + 2 + len(callees) // the authority's, that of Prometheus, and the keys of callers' tokens
			case "Issuer":
				want = 3
			}
			if meta.Kind == "ExternalSecret" {
				want = databases(spec)
				if spec.Stack.Cache.V == "redis" {
					want++
				}
			}
			if spec.Security == nil && meta.APIVersion == "cert-manager.io/v1" {
				want = 0
			}
			if found[meta] != want {
				t.Errorf("%s: %d of kind %s, want %d", name, found[meta], meta.Kind, want)
			}
		}
	}
}

// TestNothingUndoesTheHardening looks at what could take back for one container, or for the pod from outside, what TestKubernetesHardening asks of
// the pod: NSA and CISA, Kubernetes Hardening Guidance 1.2, and the restricted Pod Security Standard.
func TestNothingUndoesTheHardening(t *testing.T) {
	for _, name := range examples {
		spec := example(t, name)
		files := system(t, spec)
		for _, pod := range pods(spec) {
			o := manifests(t, files, pod)
			template := o.deployment.Spec.Template.Spec
			c := template.Containers[0]
			ports := map[string]int32{}
			hostPorts := 0
			for _, p := range c.Ports {
				ports[p.Name] = p.ContainerPort
				hostPorts += int(p.HostPort)
			}
			literal := false
			for _, e := range c.Env {
				path := strings.HasSuffix(e.Name, "_FILE") && strings.HasPrefix(e.Value, "/") // of what is mounted
				literal = literal || !path && (e.Value != "" || e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil)
			}
			s := c.SecurityContext
			checks := map[string]bool{
				"no init containers":                     len(template.InitContainers)+len(template.EphemeralContainers) == 0,
				"no privileges":                          s.Privileged == nil && len(s.Capabilities.Add) == 0 && s.ProcMount == nil,
				"no user of the container's own":         s.RunAsUser == nil && s.RunAsGroup == nil && s.RunAsNonRoot == nil,
				"no profile of the container's own":      s.SeccompProfile == nil && s.SELinuxOptions == nil && s.AppArmorProfile == nil && s.WindowsOptions == nil,
				"a group that is not root's":             *template.SecurityContext.RunAsGroup >= 10000 && len(template.SecurityContext.SupplementalGroups) == 0,
				"no kernel settings":                     len(template.SecurityContext.Sysctls) == 0,
				"no shared processes":                    template.ShareProcessNamespace == nil,
				"no ports of the node":                   hostPorts == 0,
				"what is mounted cannot be written":      len(c.VolumeMounts) == len(template.Volumes) && len(c.VolumeDevices) == 0 && readOnly(c.VolumeMounts),
				"no addresses of others in its settings": template.EnableServiceLinks != nil && !*template.EnableServiceLinks,
				"no command of the manifest's":           len(c.Command)+len(c.Args) == 0 && c.Lifecycle == nil,
				"secrets by reference":                   !literal,
				"no priority over others":                template.PriorityClassName == "" && len(template.Tolerations) == 0 && template.NodeName == "",
				"no other account":                       len(o.account.Secrets)+len(o.account.ImagePullSecrets) == 0,
				"a service inside the cluster":           (o.service.Spec.Type == "" || o.service.Spec.Type == corev1.ServiceTypeClusterIP) && len(o.service.Spec.ExternalIPs) == 0,
				"a budget that an unhealthy pod cannot use up": o.budget.Spec.UnhealthyPodEvictionPolicy != nil &&
					*o.budget.Spec.UnhealthyPodEvictionPolicy == policyv1.AlwaysAllow && o.budget.Spec.MinAvailable == nil,
				"a request that the limit allows": c.Resources.Requests.Memory().Cmp(*c.Resources.Limits.Memory()) <= 0,
			}
			for what, ok := range checks {
				if !ok {
					t.Errorf("%s: %s: not so: %s", name, pod, what)
				}
			}
			for what, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
				if probe.HTTPGet.Port.StrVal != "ops" || probe.HTTPGet.Host != "" || ports["ops"] == 0 {
					t.Errorf("%s: %s: the %s probe asks %s, and the ports are %v", name, pod, what, probe.HTTPGet, ports)
				}
			}
			// The kubelet waits for as long as the process may take to start before it kills it.
			if s := c.StartupProbe; s.PeriodSeconds*s.FailureThreshold < 30 {
				t.Errorf("%s: %s: %d s to start", name, pod, s.PeriodSeconds*s.FailureThreshold)
			}
			for _, p := range o.service.Spec.Ports {
				if p.NodePort != 0 || ports[p.TargetPort.StrVal] == 0 {
					t.Errorf("%s: %s: the service's port %s leads to %s, and the ports are %v", name, pod, p.Name, p.TargetPort.String(), ports)
				}
			}
		}
	}
}

// externalSecret is the part of the External Secrets Operator's resource that is generated (its API reference, external-secrets.io/v1).
type externalSecret struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		RefreshInterval metav1.Duration `json:"refreshInterval"`
		SecretStoreRef  struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"secretStoreRef"`
		Target struct {
			Name           string `json:"name"`
			CreationPolicy string `json:"creationPolicy"`
		} `json:"target"`
		Data []struct {
			SecretKey string `json:"secretKey"`
			RemoteRef struct {
				Key      string `json:"key"`
				Property string `json:"property"`
			} `json:"remoteRef"`
		} `json:"data"`
	} `json:"spec"`
}

// databases counts the services that have one.
func databases(spec *schema.Spec) int {
	n := 0
	for _, s := range spec.Services {
		if len(s.Aggregates)+len(s.Views) > 0 {
			n++
		}
	}
	return n
}

func readOnly(mounts []corev1.VolumeMount) bool {
	return !slices.ContainsFunc(mounts, func(m corev1.VolumeMount) bool { return !m.ReadOnly || m.MountPropagation != nil || m.SubPath != "" })
}

// TestOverlays holds that each overlay sets the image of every pod, by a tag that says which.
func TestOverlays(t *testing.T) {
	for _, name := range examples {
		spec := example(t, name)
		files := system(t, spec)
		for _, overlay := range []string{"dev", "prod"} {
			var k kustomization
			decode(t, files, "deploy/k8s/overlays/"+overlay+"/kustomization.yaml", &k)
			if len(k.Resources) != 1 || k.Resources[0] != "../../base" || k.Namespace != spec.Deployment.Namespace.V {
				t.Errorf("%s: %s: it is for %v in %s", name, overlay, k.Resources, k.Namespace)
			}
			tags := map[string]string{}
			for _, image := range k.Images {
				tags[image.Name] = image.NewTag
			}
			for _, pod := range pods(spec) {
				image, _, _ := strings.Cut(manifests(t, files, pod).deployment.Spec.Template.Spec.Containers[0].Image, ":")
				if tag := tags[image]; tag == "" || tag == "latest" {
					t.Errorf("%s: %s: the image %s has the tag %q", name, overlay, image, tag)
				}
			}
			if len(k.Images) != len(pods(spec)) {
				t.Errorf("%s: %s: %d images for %d pods", name, overlay, len(k.Images), len(pods(spec)))
			}
		}
	}
}
