from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sarah", "0006_what_the_bot_told"),
    ]

    operations = [
        migrations.AddField(
            model_name="stateupdate",
            name="message_id",
            field=models.UUIDField(editable=False, null=True, verbose_name="message"),
        ),
    ]
