//! Which cloud a host runs in, told by its firmware's tables alone.

use super::HostFiles;

/// The asset tag that Azure gives the chassis of its virtual machines.
const AZURE_ASSET_TAG: &str = "7783-7084-3265-9085-8269-3286-77";

/// Field of the firmware's tables, what it contains, provider.
const SIGNS: [(&str, &str, &str); 11] = [
    ("chassis_asset_tag", AZURE_ASSET_TAG, "Azure"),
    ("chassis_asset_tag", "OracleCloud.com", "OCI"),
    ("sys_vendor", "Amazon EC2", "AWS"),
    ("bios_vendor", "Amazon EC2", "AWS"),
    ("product_name", "Google Compute Engine", "GCP"),
    ("sys_vendor", "Alibaba Cloud", "Alibaba"),
    ("sys_vendor", "DigitalOcean", "DigitalOcean"),
    ("sys_vendor", "Hetzner", "Hetzner"),
    ("sys_vendor", "OpenStack", "OpenStack"),
    ("product_name", "OpenStack", "OpenStack"),
    ("bios_version", "amazon", "AWS"),
];

/// The provider, when a sign of one is found.
pub(super) fn provider(files: &HostFiles) -> Option<&'static str> {
    let found =
        SIGNS.iter().find(|(field, sign, _)| files.dmi(field).is_some_and(|text| text.contains(sign)));
    found.map(|(_, _, provider)| *provider)
}
